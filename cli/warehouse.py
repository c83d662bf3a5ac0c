"""`infra warehouse …`: work on the Snowflake estate that is not a deploy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli._options import EnvOption, JsonOption
from cli._output import note, print_json
from cli._states import client_platform
from cli.warehouse_pulumi import EPILOG as PULUMI_EPILOG
from cli.warehouse_pulumi import pulumi
from cli.warehouse_sql import EPILOG as SQL_EPILOG
from cli.warehouse_sql import sql
from modules.environment import load_environment
from modules.project import find_project

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False, help="The Snowflake estate beside its deploys.")


@app.callback()
def group() -> None:
    """The Snowflake estate beside its deploys."""


@app.command(
    "rotate-key",
    epilog="Examples:  infra warehouse rotate-key --user SVC_KAFKA_CONNECTOR --env local  ·  "
    "infra warehouse rotate-key --user SVC_KAFKA_CONNECTOR --env dev --keep-old",
)
def rotate(
    env: EnvOption,
    user: Annotated[str, typer.Option("--user", help="The service user.")],
    bits: Annotated[int, typer.Option("--bits", help="Length of the new key.")] = 3072,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait until the new key logs in.", show_default=True)
    ] = 60.0,
    keep_old: Annotated[
        bool,
        typer.Option("--keep-old", help="Leave the old key valid; the same command without this ends it."),
    ] = False,
    replace_other: Annotated[
        bool, typer.Option("--replace-other", help="Overwrite a key that infra did not put there.")
    ] = False,
    no_login_check: Annotated[
        bool, typer.Option("--no-login-check", help="Where the user may not log in from here: trust Snowflake's list.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Give a service user a new key pair, without a moment in which none is valid.

    The new key is registered beside the old one, the secret is changed, and the old key goes only when a login with the
    secret has worked. If it is interrupted, run it again.
    """
    from modules.warehouse.rotate import RotationOptions, rotate_key

    project = find_project()
    environment = load_environment(project, env)
    options = RotationOptions(bits, wait, keep_old, replace_other, not no_login_check)
    platform = client_platform(environment, project)
    done = rotate_key(environment, platform, project, user, options, on_step=_say)
    if json:
        print_json(asdict(done))
        return
    if done.resumed:
        note("an interrupted rotation was finished; no new key was made")
    if done.old_key_valid:
        note(f"{done.user}: both keys are valid; run it again without --keep-old to end the old one")
    typer.echo(f"{done.user}: {done.new} in {done.reference}")


app.command("sql", epilog=SQL_EPILOG)(sql)
app.command("pulumi", epilog=PULUMI_EPILOG)(pulumi)

_SAID = {
    "registered": "the new key is registered beside the old one",
    "tried": "the new key logs in",
    "stored": "the secret holds the new key",
    "logged in": "what the secret holds logs in",
    "old key replaced": "the old key is no longer valid",
    "finished": "the second slot is free again",
}


def _say(step: str) -> None:
    note(_SAID[step])
