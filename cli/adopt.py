"""`infra import`: take what runs already into an environment's YAML and Terraform's states."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import EnvOption, JsonOption, YesOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.adoption import Adoption, LiveCluster
    from modules.terraform.engine import Deployment

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    epilog="Examples:  infra import --env local  ·  infra import 'orders*' --env dev --write  ·  infra import --json"
    "  ·  infra import --env prod --cluster env-abc123/lkc-abc123"
)
def adopt(
    topics: Annotated[list[str] | None, typer.Argument(help="Which topics, `*` for any part; default: all.")] = None,
    env: EnvOption = "local",
    write: Annotated[bool, typer.Option("--write", help="Write the YAML and prepare the import.")] = False,
    yes: YesOption = False,
    json: JsonOption = False,
    cluster: Annotated[
        str | None,
        typer.Option(help="A cluster itself: env-…/lkc-… of Confluent Cloud, an ARN (or a name) of Amazon MSK."),
    ] = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="With --cluster: read it, and take it over in the rehearsal only."),
    ] = False,
) -> None:
    """Show what runs and is not declared or not in a state, and take it over; exits 2 where there is something."""
    if cluster is not None or offline:
        from cli._adopt_cluster import adopt_cluster

        adopt_cluster(cluster, topics or [], env, write=write, yes=yes, json=json, offline=offline)
    from cli._deployment import open_target
    from cli._output import note, print_json
    from modules.adoption import adopt as find
    from modules.adoption import read_live, write_adoption
    from modules.errors import ConfigError

    target = open_target(env)
    live = read_live(target.platform)
    adoption = find(target.environment, live, topics or ())
    if not json:
        _show(env, adoption)
    if write and adoption.topics and not yes:
        if json or not sys.stdin.isatty():
            raise ConfigError("there is nobody to confirm", do="add --yes")
        typer.confirm(f"Write this to environments/{env}.yaml?", abort=True, err=True)
    if write and adoption.topics:
        for path in write_adoption(target.project, target.environment, adoption):
            note(f"written: {path.relative_to(target.project.root)}")
        target = open_target(env)
    deployment, blocks = _blocks(target, live)
    if write:
        # What waits in the cluster stack is a cluster that `--cluster` put there.
        deployment.adopt({stack: found for stack, found in blocks.items() if stack != "cluster"})
    if json:
        print_json(_document(env, adoption, blocks, written=write))
    else:
        _show_blocks(env, blocks, adoption, written=write)
    raise typer.Exit(0 if write or not (adoption.topics or any(blocks.values())) else 2)


def _blocks(target: Target, live: LiveCluster) -> tuple[Deployment, dict[str, dict[str, str]]]:
    from cli._deployment import deployment_of
    from modules.adoption import import_blocks

    deployment = deployment_of(target)
    cluster = {name: value.value for name, value in deployment.outputs("cluster").items()}
    return deployment, {
        stack: import_blocks(missing, live, cluster) for stack, missing in deployment.undeployed().items()
    }


def _document(
    env: str, adoption: Adoption, blocks: Mapping[str, Mapping[str, str]], *, written: bool
) -> dict[str, Any]:
    return {
        "version": 1,
        "environment": env,
        "written": written,
        "topics": {name: dict(entry) for name, entry in adoption.topics.items()},
        "schemas": list(adoption.schemas),
        "imports": {stack: dict(found) for stack, found in blocks.items() if found},
        "left": list(adoption.left),
    }


def _show(env: str, adoption: Adoption) -> None:
    import yaml

    from cli._output import stdout

    console = stdout()
    if adoption.topics:
        console.print(f"[bold]{len(adoption.topics)} topics run and are not declared in {env}[/]; as YAML:")
        entries = {"topics": {name: dict(entry) for name, entry in adoption.topics.items()}}
        console.print(yaml.safe_dump(entries, sort_keys=False, allow_unicode=True), markup=False, end="")
    for text in adoption.left:
        console.print(f"[dim]left alone: {text}[/]", soft_wrap=True)


def _show_blocks(env: str, blocks: Mapping[str, Mapping[str, str]], adoption: Adoption, *, written: bool) -> None:
    from cli._output import note, stdout

    console = stdout()
    for stack, found in blocks.items():
        for address, identifier in found.items():
            console.print(f"→ {stack}: {address}  (id {identifier})", markup=False, soft_wrap=True)
    count = sum(len(found) for found in blocks.values())
    if written and count:
        note(
            f"{count} objects will be taken over: `infra plan --env {env}` shows it, `infra deploy --env {env}` does it"
        )
    elif count or adoption.topics:
        note("add --write to do it")
    else:
        note(f"everything that runs is in {env} already")
