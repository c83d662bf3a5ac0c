"""What the templates are told: the environments in the order of promotion, and what a runner needs for each.

Read from the YAML alone; no secret is resolved. A laptop's environment (`platform: local`) is left out unless it is
named: its Kafka lives in the runner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from modules.environment.loader import list_environments, load_environment
from modules.environment.model import Environment
from modules.environment.types import AWS_SCHEMES, SecretRefValue
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["Options", "Pipeline", "Step", "pipeline", "references", "region_of", "uses_aws"]

_RANK = {
    **dict.fromkeys(("dev", "development"), 0),
    **dict.fromkeys(("test", "testing", "qa"), 1),
    **dict.fromkeys(("staging", "stage", "preprod", "preproduction"), 3),
    **dict.fromkeys(("prod", "production", "live"), 5),
}
_UNKNOWN, _UNKNOWN_PRODUCTION = 2, 4
_PLATFORMS = ("confluent", "msk", "redpanda", "local")
KEY_VARIABLE = "INFRA_PLAN_KEY"
"""Where `infra` looks for the key of plans first (modules/artefact/keys.py)."""

_SAFE = re.compile(r"[A-Za-z0-9_.][\w./+-]*")


@dataclass(frozen=True)
class Options:
    """What the user chooses.

    Args:
        branch: a merge into it deploys.
        runner: the label of the machines that run the jobs.
        install: a shell command that brings `infra` onto a runner; "" when the repository holds infra itself.
        on_smoke_failure: after a deploy that misses its SLOs: stop, or deploy the revision before.
        command: how the workflows were written, for their headers.
        folder: where the project is in its repository; "" at the top.
    """

    branch: str = "main"
    runner: str = ""
    install: str = ""
    on_smoke_failure: Literal["stop", "rollback"] = "stop"
    command: str = "infra ci init github"
    folder: str = ""

    @property
    def at(self) -> str:
        """What paths of the project begin with, from the top of the repository."""
        return f"{self.folder}/" if self.folder else ""


@dataclass(frozen=True)
class Step:
    """One environment of the pipeline."""

    name: str
    local: bool
    production: bool
    region: str
    """Where its AWS calls go; "" when it makes none."""
    secrets: tuple[str, ...]
    """Environment variables that its `env:` references name."""
    sealing: tuple[str, ...] = ()
    """The variable with the key that a plan is encrypted with; a public one will do."""
    opening: tuple[str, ...] = ()
    """The variable with the key that opens it."""
    unreachable: tuple[str, ...] = ()
    """What a fresh runner does not have, in words: for whoever sets it up."""

    @property
    def key(self) -> str:
        """Its name as a job's and a step's id."""
        return re.sub(r"[^A-Za-z0-9_-]", "-", self.name)

    @property
    def variable(self) -> str:
        """Its name at the end of a variable's."""
        return re.sub(r"\W", "_", self.name).upper()


@dataclass(frozen=True)
class Pipeline:
    """What is rendered: environments in order, and the options."""

    steps: tuple[Step, ...]
    options: Options
    installs_itself: bool = False
    """The repository holds infra: `make install` brings it."""

    @property
    def runner(self) -> str:
        """Given, else a hosted one; a laptop's platform needs a machine that stays."""
        return self.options.runner or ("self-hosted" if any(step.local for step in self.steps) else "ubuntu-24.04")

    def jobs(self, what: str) -> str:
        """The names of every environment's job of a kind, as a list's content."""
        return ", ".join(f"{what}-{step.key}" for step in self.steps)

    @property
    def aws(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.region)


def pipeline(project: Project, names: Sequence[str], options: Options) -> Pipeline:
    """The pipeline of these environments in this order; of none: all but laptops', production last.

    Raises:
        ConfigError: an environment does not load, there is none to deploy, or an option cannot stand in a workflow.
    """
    for given, what in (
        (options.branch, "--branch"),
        (options.runner, "--runner"),
        (options.folder, "the project's folder"),
    ):
        if given and not _SAFE.fullmatch(given):
            raise ConfigError(f"`{given}` cannot stand in a workflow", where=what, do="use letters, digits, - . / +")
    if len(options.install.splitlines()) > 1:
        raise ConfigError("it has several lines", where="--install", do="join them with `&&`, or call a script")
    itself = _holds_infra(project.root)
    if not options.install and not itself:
        raise ConfigError(
            "this project does not hold infra itself, so a runner has to be told where it comes from",
            where="--install",
            do="give a command that pins what it installs: --install 'pip install git+https://…@COMMIT'",
        )
    if names:
        environments = [load_environment(project, name) for name in dict.fromkeys(names)]
    else:
        found = [load_environment(project, name) for name in list_environments(project)]
        environments = sorted((each for each in found if each.platform != "local"), key=_order)
    if not environments:
        raise ConfigError(
            "there is no environment that a CI could deploy",
            where="environments/",
            do="write one that is not `platform: local`, or name it: --env local (on a runner that stays)",
        )
    return Pipeline(tuple(_step(each) for each in environments), options, itself and not options.install)


def references(environment: Environment) -> Iterator[tuple[str, SecretRefValue]]:
    """(key, reference) of every secret that the environment may need on its platform."""
    for name in type(environment).model_fields:
        if name not in _PLATFORMS or name == environment.platform:
            yield from _references(getattr(environment, name), name)


def uses_aws(environment: Environment) -> bool:
    """Whether anything of it is in AWS: the platform, its states, a secret."""
    return (
        environment.platform in ("msk", "redpanda")
        or environment.state.s3 is not None
        or any(reference.scheme in AWS_SCHEMES for _, reference in references(environment))
    )


def region_of(environment: Environment) -> str:
    """The region that AWS is asked in first; the states' own where the platform is not in AWS."""
    platforms = {"msk": environment.msk.region, "redpanda": environment.redpanda.region}
    if environment.platform in platforms:
        return platforms[environment.platform]
    if environment.state.s3 is not None:
        return environment.state.s3.region
    return environment.confluent.region if environment.platform == "confluent" else "us-east-1"


def _references(value: object, path: str) -> Iterator[tuple[str, SecretRefValue]]:
    if isinstance(value, SecretRefValue):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _references(getattr(value, name), f"{path}.{name.rstrip('_')}")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _references(each, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _references(each, f"{path}[{place}]")


def _step(environment: Environment) -> Step:
    local = environment.platform == "local"
    found = list(references(environment))
    names = [reference.name for path, reference in found if reference.scheme == "env" and path != "plans.key"]
    sealing, opening = ((), ()) if local else _plan_keys(environment)
    return Step(
        name=environment.name,
        local=local,
        production=environment.production,
        region=region_of(environment) if uses_aws(environment) else "",
        secrets=tuple(dict.fromkeys(names)),
        sealing=sealing,
        opening=opening,
        unreachable=() if local else tuple(_unreachable(environment, found)),
    )


def _plan_keys(environment: Environment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(to encrypt plans, to open them): a laptop makes its own; KMS and a secrets manager need no variable."""
    plans = environment.plans
    if plans.kms or (plans.key is not None and plans.key.scheme != "env"):
        return (), ()
    name = plans.key.name if plans.key is not None else KEY_VARIABLE
    return (() if plans.recipients else (name,)), (name,)


def _unreachable(environment: Environment, found: list[tuple[str, SecretRefValue]]) -> Iterator[str]:
    """A runner is new each time: what is kept in the project's folder is not there."""
    if environment.state.s3 is None:
        yield (
            "its states are files on one machine: write `state: {s3: …}`, `infra state bootstrap` and `… migrate`, "
            "then these workflows again"
        )
    for path, reference in found:
        if reference.scheme == "file":
            yield f"{path}: {reference} is a file of one machine: use `aws-sm:…` or `env:…`"
    if environment.warehouse.account is not None and environment.warehouse.connector_private_key is None:
        yield ("warehouse.connector_private_key: the CLI makes it as a file of one machine: keep one in `aws-sm:…`")


def _order(environment: Environment) -> tuple[int, str]:
    """As changes are promoted; names that say nothing stand before staging, or behind it where they are production."""
    other = _UNKNOWN_PRODUCTION if environment.production else _UNKNOWN
    return _RANK.get(environment.name, other), environment.name


def _holds_infra(root: Path) -> bool:
    import tomllib

    try:
        declared = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(declared.get("project", {}).get("name") == "infra") and (root / "Makefile").is_file()
