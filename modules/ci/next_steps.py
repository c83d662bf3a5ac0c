"""What a person sets up once after the workflows are written, in words: roles, variables, secrets, approvals."""

from __future__ import annotations

from collections.abc import Iterator

from modules.ci.pipeline import Pipeline, Step

__all__ = ["next_steps"]


def next_steps(forge: str, pipeline: Pipeline) -> Iterator[str]:
    """Lines for a terminal; the whole story is docs/ci.md."""
    remote = [step for step in pipeline.steps if not step.local]
    for step in remote:
        for line in step.unreachable:
            yield f"! {step.name}: {line}"
    if not remote:
        yield "the laptop platform runs on the runner: it has to be one that stays, with `infra` on it"
        return
    yield "before the first merge (docs/ci.md):"
    for step in remote:
        if step.region:
            yield f"  {step.name}: `infra ci roles --env {step.name}` makes its AWS roles, as an administrator, once"
        yield f"  {step.name}: {_settings(forge, step)}"
    if forge == "github":
        yield "  then set the variable INFRA_CREDENTIALS to `yes`; until then pull requests are rehearsed offline"
        yield f"  protect {pipeline.options.branch}: reviews, pull requests up to date with it, owners of .github/"
    else:
        yield "  then set the variable INFRA_CREDENTIALS to `yes`; until then merge requests are rehearsed offline"
        yield f"  protect {pipeline.options.branch} and the environments: who may approve a deploy"


def _settings(forge: str, step: Step) -> str:
    where = f"environments {step.name}-plan and {step.name}" if forge == "github" else "variables by environment"
    role = "variables AWS_PLAN_ROLE and AWS_APPLY_ROLE" if step.region else ""
    secrets = f"secrets {', '.join(step.secrets)}" if step.secrets else ""
    both = " and ".join(part for part in (role, secrets) if part)
    return f"{where}: {both or 'nothing to set'}{', reviewers' if step.production else ''}"
