"""`infra destroy`: show what would go, list its data where a person decides, have the environment's name typed, take
the stacks down in reverse order."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from cli._options import EnvOption, JsonOption, OfflineOption, YesOption

if TYPE_CHECKING:
    from cli._deployment import Target
    from modules.terraform.losses import Loss
    from modules.terraform.plan import EnvironmentPlan

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Examples:  infra destroy --env local  ·  infra destroy -e prod --offline --yes")
def destroy(
    env: EnvOption = "local", yes: YesOption = False, json: JsonOption = False, offline: OfflineOption = False
) -> None:
    """Take an environment down again, in reverse order, data included."""
    from cli._deployment import deployment_of, open_target, stop_carrying
    from cli._guarding import guard_report
    from cli._output import note, print_json
    from cli._plan_view import result_json, show_plan, show_result
    from cli._progress import live_progress

    target = open_target(env, offline=offline)
    with live_progress() as progress:
        deployment = deployment_of(target, progress)
        planned = deployment.plan(destroy=True)
    if not planned.has_changes:
        for stack, finding in planned.findings:
            note(f"warning: {stack}, {finding.address}: {finding.message} → {finding.do}")
        note(f"environment {env} holds nothing to destroy")
        stop_carrying(target)
        if json:
            print_json(result_json(planned, None))
        return
    lost = _lost(target, planned)
    guarded = guard_report(planned, target, applying=True)
    if not json:
        show_plan(planned, guards=guarded, losses_apart=True)
        _show_losses(env, lost, offline=offline)
    guarded.require()
    if not yes:
        _have_the_name_typed(env, planned.counts.get("delete", 0), len(lost), as_json=json, offline=offline)
    stop_carrying(target)
    with live_progress() as progress:
        deployment.use_progress(progress)
        result = deployment.apply(planned)
    if json:
        print_json({**result_json(planned, result), "losses": [each.to_json() for each in lost]})
    else:
        show_result(result)


def _have_the_name_typed(env: str, resources: int, losing: int, *, as_json: bool, offline: bool) -> None:
    """Consent that no reflex gives.

    Raises:
        ConfigError: there is nobody to type it, or it was another name.
    """
    from modules.errors import ConfigError

    if as_json or not sys.stdin.isatty():
        raise ConfigError("there is nobody to confirm the destruction", do="add --yes if you mean it")
    data = f" and the data in {losing} of them" if losing else ""
    what = "rehearses the destruction of" if offline else "destroys"
    typed = typer.prompt(f"This {what} {resources} resources{data}. Type the environment's name, {env}", err=True)
    if typed.strip() != env:
        command = f"infra destroy --env {env}" + (" --offline" if offline else "")
        raise ConfigError(
            f"`{typed.strip()}` is not the environment's name, `{env}`; nothing was destroyed",
            do=f"run `{command}` again and type the name, if you mean it",
        )


def _lost(target: Target, planned: EnvironmentPlan) -> tuple[Loss, ...]:
    """What data goes; on a laptop with how much of it there is."""
    from modules.terraform.losses import losses

    lost = losses(planned)
    if target.offline or target.environment.platform != "local":
        return lost
    from modules.contents import count_contents

    topics = [each.name for each in lost if each.kind == "kafka_topic"]
    databases = {each.name.split(".")[0] for each in lost if each.kind == "snowflake_table"}
    return losses(
        planned, count_contents(target.environment, target.platform, target.project, topics, sorted(databases))
    )


def _show_losses(env: str, lost: tuple[Loss, ...], *, offline: bool) -> None:
    from cli._output import stdout

    console = stdout()
    console.print()
    would = "would be lost (a rehearsal: nothing is)" if offline else "will be lost"
    if not lost:
        console.print(f"No data {would} with {env}.", style="bold", markup=False)
    else:
        console.print(f"Data that {would} with {env}:", style="bold", markup=False)
        for each in lost:
            console.print(f"  - {each.text}", style="red", markup=False, soft_wrap=True)
