"""`infra warehouse sql`: the Snowflake estate as SQL: printed, compared with the account, applied.

Exit 0: printed, nothing differs, or all was applied; 2: something differs, or unsafe statements were left out; 1: an
error.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli._options import EnvOption, JsonOption, YesOption
from cli._output import note, print_json

if TYPE_CHECKING:
    from modules.environment import Environment
    from modules.warehouse.sql import Difference, Header, Roles, Statement

__all__ = ["EPILOG", "sql"]

EPILOG = (
    "Examples:  infra warehouse sql --env prod > estate.sql  ·  infra warehouse sql -e prod --diff  ·  "
    "infra warehouse sql -e prod --apply --yes"
)


def sql(
    env: EnvOption = "local",
    diff: Annotated[
        bool, typer.Option("--diff", help="Only what differs from the account; exit 2 if it does.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Run what differs, after a confirmation.")] = False,
    allow_unsafe: Annotated[
        bool, typer.Option("--allow-unsafe", help="Statements that may lose something are run, not left as comments.")
    ] = False,
    roles: Annotated[
        list[str] | None,
        typer.Option(
            "--roles",
            metavar="ROLE|split|AREA=ROLE",
            help="Who runs it: one role (default: warehouse.account.role), `split` (SECURITYADMIN, SYSADMIN, "
            "ACCOUNTADMIN), or account=, security=, objects=ROLE; may be repeated.",
        ),
    ] = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Print the Snowflake estate as SQL, compare it with the account, or apply it."""
    from modules.environment import load_environment
    from modules.platforms import platform_for
    from modules.project import find_project
    from modules.warehouse.sql import Header, Roles, account_of, as_json, compare, declared, print_script, script

    project = find_project()
    environment = load_environment(project, env)
    account, role = account_of(environment)
    chosen = Roles.parse(roles or [], role)
    words = " ".join(["infra", "warehouse", "sql", "--env", env, *(["--diff"] if diff or apply else [])])
    header = Header(env, environment.source, account, words, datetime.now(UTC), compared=diff or apply)
    if not (diff or apply):
        statements = chosen.lend(script(declared(environment, project)))
        if json:
            print_json(as_json(header, statements, chosen))
        else:
            print(print_script(header, statements, chosen, allow_unsafe=allow_unsafe), end="")
        return
    if apply:
        _require_engine(environment)
    platform = platform_for(environment, project)
    found = compare(environment, project, platform, note)
    if apply:
        _apply(header, found, chosen, project, platform, allow_unsafe=allow_unsafe, yes=yes, json=json)
        return
    statements = chosen.lend(found.statements)
    if json:
        print_json(as_json(header, statements, chosen, found.undeclared))
    else:
        _show(header, statements, chosen, found, allow_unsafe)
    raise typer.Exit(2 if statements else 0)


def _show(header: Header, statements: list[Statement], roles: Roles, found: Difference, allow_unsafe: bool) -> None:
    from modules.warehouse.sql import print_script

    if not statements:
        note("the account has all that is declared, as it is declared")
    print(
        print_script(header, statements, roles, undeclared=found.undeclared, allow_unsafe=allow_unsafe),
        end="",
    )


def _apply(
    header: Header,
    found: Difference,
    roles: Roles,
    project: Any,
    platform: Any,
    *,
    allow_unsafe: bool,
    yes: bool,
    json: bool,
) -> None:
    """Show, confirm, run, say what was left out."""
    from modules.warehouse.sql import apply_difference, as_json

    runs = found.to_run(allow_unsafe=allow_unsafe)
    todo, left = roles.lend(runs), [each for each in found.statements if each not in runs]
    if not json:
        _show(header, roles.lend(found.statements), roles, found, allow_unsafe)
    if todo:
        _confirm(header, len(todo), yes=yes, json=json)
    total = len(todo)
    done = (
        apply_difference(
            todo, project, platform, roles, lambda number, each: note(f"{number}/{total} {each.about}: {_short(each)}")
        )
        if todo
        else 0
    )
    if json:
        print_json({"applied": done, "left_out": as_json(header, left, roles)["statements"]})
    note(f"applied: {done} of {done} statements" if done else "nothing to do")
    if left:
        by_hand = sum(each.by_hand for each in left)
        unsafe = len(left) - by_hand
        if unsafe:
            note(f"left out: {unsafe} that may lose something; review them with --diff, then add --allow-unsafe")
        if by_hand:
            note(f"left out: {by_hand} that Snowflake does not do in place; --diff says what to do by hand")
        raise typer.Exit(2)


def _require_engine(environment: Environment) -> None:
    from modules.errors import ConfigError

    engine = environment.warehouse.engine
    if engine != "sql":
        raise ConfigError(
            f"the estate is made by {engine}, which would not know what is made here",
            where=f"{environment.source}: warehouse.engine",
            do="set it to `sql` first; --diff works with every engine",
        )


def _confirm(header: Header, statements: int, *, yes: bool, json: bool) -> None:
    from modules.errors import ConfigError

    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ConfigError(
            "there is nobody to confirm the statements",
            do=f"review them with `infra warehouse sql --env {header.environment} --diff`, then add --yes",
        )
    typer.confirm(f"Run {statements} statements in the account {header.account}?", abort=True, err=True)


def _short(statement: Statement) -> str:
    words = " ".join(statement.sql.split())
    return words if len(words) <= 90 else f"{words[:89]}…"
