"""What a person sets up once after the workflows are written, in words: roles, variables, secrets, approvals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modules.ci.pipeline import Pipeline, Step

__all__ = ["next_steps"]


def next_steps(forge: str, pipeline: Pipeline) -> Iterator[str]:
    """Lines for a terminal; the whole story is docs/ci.md."""
    remote = [step for step in pipeline.steps if not step.local]
    if not remote:
        yield "the laptop platform runs on the runner: it has to be one that stays"
        return
    yield from (f"! {line}" for line in _together((step.name, line) for step in remote for line in step.unreachable))
    yield "once, before the first merge (docs/ci.md):"
    if any(step.opening for step in remote):
        yield "  a key for plans: `plans: {kms: …}`, or `infra plan --new-key FILE`: the public half goes to ENV-plan"
    aws = [step.name for step in remote if step.region]
    if aws:
        yield f"  AWS roles, as an administrator: {', '.join(f'`infra ci roles --env {name}`' for name in aws)}"
    where = "environments on GitHub" if forge == "github" else "variables, by environment"
    yield f"  {where}:"
    for step in remote:
        yield from _settings(step)
    change = "pull request" if forge == "github" else "merge request"
    owners = ", owners of .github/" if forge == "github" else ""
    yield f"  protect {pipeline.options.branch}: reviews, {change}s up to date with it{owners}"
    yield f"  then the variable INFRA_CREDENTIALS = yes: until then {change}s are rehearsed and merges deploy nothing"


def _settings(step: Step) -> Iterator[str]:
    """What goes into the two environments of one."""
    for name, role, key in (
        (f"{step.name}-plan", "AWS_PLAN_ROLE", step.sealing),
        (step.name, "AWS_APPLY_ROLE", step.opening),
    ):
        parts = [role] if step.region else []
        parts += [*step.secrets, *key]
        reviewers = "; reviewers" if step.production and name == step.name else ""
        yield f"    {name}: {', '.join(parts) or 'nothing to set'}{reviewers}"


def _together(lines: Iterable[tuple[str, str]]) -> list[str]:
    """The same said of several environments is said once."""
    found: dict[str, list[str]] = {}
    for name, line in lines:
        found.setdefault(line, []).append(name)
    return [f"{', '.join(names)}: {line}" for line, names in found.items()]
