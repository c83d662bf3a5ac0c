"""Snowflake: who the estate's administrator is there, with which role, and whether that may make what is declared."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from modules.doctor.patient import Patient
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.findings import Finding
from modules.platforms import platform_for
from modules.warehouse.connection import connect

__all__ = ["identity", "needed_privileges", "wanted"]

_PRIVILEGES = {
    "snowflake_database": "CREATE DATABASE",
    "snowflake_warehouse": "CREATE WAREHOUSE",
    "snowflake_account_role": "CREATE ROLE",
    "snowflake_service_user": "CREATE USER",
    "snowflake_user": "CREATE USER",
    "snowflake_grant_ownership": "MANAGE GRANTS",
    "snowflake_grant_privileges_to_account_role": "MANAGE GRANTS",
    "snowflake_network_policy": "CREATE NETWORK POLICY",
    "snowflake_external_volume": "CREATE EXTERNAL VOLUME",
    "snowflake_storage_integration": "CREATE INTEGRATION",
}
"""Privileges on the account (docs.snowflake.com/en/user-guide/security-access-control-privileges)."""

_ONLY_ACCOUNTADMIN = {"snowflake_resource_monitor": "resource monitors"}
_ALL = "ACCOUNTADMIN"
_DEEPEST = 6


def wanted(patient: Patient, environment: Environment) -> bool:
    """Whether somebody logs in to make the estate; on a laptop the platform has to be up."""
    if environment.warehouse.engine != "terraform":
        return False
    return environment.platform != "local" or environment.warehouse.account is not None or _up(patient)


def _up(patient: Patient) -> bool:
    from modules.local.status import status

    return any(each.name == "snowflake" and each.state == "running" for each in status(patient.project))


def needed_privileges(declared: dict[str, int]) -> dict[str, str]:
    """Privilege on the account → a resource type that needs it."""
    return {privilege: kind for kind, privilege in _PRIVILEGES.items() if declared.get(kind)}


def identity(patient: Patient) -> Iterator[Finding]:
    """The login, and its privileges."""
    environment = patient.load()
    if environment is None:
        return
    if environment.platform != "local" and environment.warehouse.account is None:
        do = "write `account: {organization: …, account: …, user: …, private_key: env:SNOWFLAKE_PRIVATE_KEY}` there"
        yield Finding("snowflake", "fail", "the account is not named: `warehouse.account` is missing", do)
        return
    client = platform_for(environment, patient.project).snowflake_client("admin")
    try:
        connection = connect(client, patient.project)
    except ServiceError as error:
        yield Finding("snowflake", "fail", error.what, error.do, (error.where,) if error.where else ())
        return
    with contextlib.closing(connection):

        def ask(sql: str) -> list[dict[str, Any]]:
            cursor = connection.cursor()
            cursor.execute(sql)
            names = [column[0].lower() for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        yield from examine_login(ask, patient.declared())


def examine_login(ask: Callable[[str], list[dict[str, Any]]], declared: dict[str, int]) -> Iterator[Finding]:
    """What a session says of itself. `ask` runs a statement and gives rows by column, in lower case."""
    from snowflake.connector.errors import Error

    (me,) = ask("SELECT CURRENT_ACCOUNT() AS account, CURRENT_USER() AS username, CURRENT_ROLE() AS role")
    more = []
    for title, expression in (("region", "CURRENT_REGION()"), ("secondary roles", "CURRENT_SECONDARY_ROLES()")):
        with contextlib.suppress(Error):  # an account without one of these answers the rest
            if value := next(iter(ask(f"SELECT {expression} AS it")))["it"]:
                more.append(f"{title} {value}")
    account, user, role = me["account"], me["username"], str(me["role"])
    yield Finding("snowflake", "ok", f"account {account}, user {user}, role {role}", None, tuple(more))
    needed = needed_privileges(declared)
    if role == _ALL:
        yield Finding("snowflake permissions", "ok", f"{_ALL} may make everything that is declared")
        return
    try:
        held = _held(ask, role)
    except Error as error:
        do = f"look at `SHOW GRANTS TO ROLE {role}`; needed: {', '.join(sorted(needed))}"
        yield Finding("snowflake permissions", "warn", f"not known: {' '.join(str(error.msg).split())}", do)
        return
    only = [] if _ALL in held else [title for kind, title in _ONLY_ACCOUNTADMIN.items() if declared.get(kind)]
    missing = [] if _ALL in held else sorted(set(needed) - held)
    if missing:
        grants = "; ".join(f"GRANT {each} ON ACCOUNT TO ROLE {role}" for each in missing)
        text = f"role {role} lacks {', '.join(missing)} on the account"
        yield Finding("snowflake permissions", "fail", text, f"as {_ALL}: {grants}")
    if only:
        do = f"use {_ALL} in warehouse.account.role, or leave the monitor out"
        yield Finding("snowflake permissions", "fail", f"role {role} cannot make {', '.join(only)}", do)
    if not missing and not only:
        yield Finding("snowflake permissions", "ok", f"role {role} has all {len(needed)} privileges that are needed")


def _held(ask: Callable[[str], list[dict[str, Any]]], role: str) -> set[str]:
    """Privileges on the account of a role and those it inherits, with the inherited roles' names."""
    found: set[str] = set()
    waiting, seen = [(role, 0)], {role}
    while waiting:
        name, depth = waiting.pop()
        for row in ask(f'SHOW GRANTS TO ROLE "{name}"'):
            kind, privilege, on = (str(row[key]).upper() for key in ("granted_on", "privilege", "name"))
            if kind == "ACCOUNT":
                found.add(privilege)
            elif kind == "ROLE" and privilege == "USAGE" and on not in seen and depth < _DEEPEST:
                seen.add(on)
                found.add(on)
                waiting.append((on, depth + 1))
    return found
