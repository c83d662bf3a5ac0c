"""Statements as a script that people read, review and run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from modules.warehouse.sql.quoting import comment_line, identifier
from modules.warehouse.sql.roles import Roles
from modules.warehouse.sql.statement import Statement

__all__ = ["Header", "as_json", "print_script"]


@dataclass(frozen=True)
class Header:
    """What a script is, for whom, and of when."""

    environment: str
    source: str
    account: str
    command: str
    when: datetime
    compared: bool = False
    """Whether it is what differs from the account, rather than all of the estate."""


def print_script(
    header: Header,
    statements: Sequence[Statement],
    roles: Roles,
    *,
    undeclared: Iterable[str] = (),
    allow_unsafe: bool = False,
) -> str:
    """The script, which ends with a line end. Unsafe statements are comments unless they are allowed."""
    lines = _head(header, statements, roles, allow_unsafe)
    section = role = None
    for each in statements:
        if each.section != section:
            section = each.section
            lines += ["", comment_line(f"---- {section} ----")]
        if roles.of(each.area) != role:
            role = roles.of(each.area)
            lines.append(f"USE ROLE {identifier(role)};")
        lines += _statement(each, allow_unsafe)
    left = list(undeclared)
    if left:
        lines += ["", "-- ---- There and not declared: left alone ----", *(comment_line(each) for each in left)]
    return "\n".join(lines) + "\n"


def _head(header: Header, statements: Sequence[Statement], roles: Roles, allow_unsafe: bool) -> list[str]:
    unsafe = sum(each.unsafe is not None for each in statements)
    what = "what differs from the account" if header.compared else "all of it, whatever the account has"
    by = roles.account if roles.is_one else f"{roles.account}, {roles.security} (security), {roles.objects} (objects)"
    lines = [
        f"The Snowflake estate of the environment {header.environment}: {what}",
        f"Made by `{header.command}` from {header.source}, {header.when:%Y-%m-%d %H:%M} UTC",
        f"Account {header.account}; to be run by a user who has {by}",
        f"{_count(len(statements), 'statement')}, from top to bottom; running them again changes nothing more",
    ]
    if unsafe and allow_unsafe:
        lines.append(f"{_count(unsafe, 'statement')} of these may lose something: look for `unsafe`")
    elif unsafe:
        lines.append(f"{_count(unsafe, 'statement')} of these may lose something, here as a comment: look for `unsafe`")
    return [comment_line(line) for line in lines]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _statement(each: Statement, allow_unsafe: bool) -> list[str]:
    lines = []
    if each.was:
        lines.append(comment_line(f"{each.about}, now: {each.was}"))
    if each.unsafe:
        lines.append(comment_line(f"{'by hand' if each.by_hand else 'unsafe'}: {each.unsafe}"))
    sql = f"{each.sql};"
    if each.by_hand or (each.unsafe and not allow_unsafe):
        return [*lines, *(comment_line(line) for line in sql.splitlines())]
    return [*lines, sql]


def as_json(
    header: Header, statements: Sequence[Statement], roles: Roles, undeclared: Iterable[str] = ()
) -> dict[str, object]:
    """The same for machines."""
    return {
        "environment": header.environment,
        "account": header.account,
        "compared": header.compared,
        "statements": [
            {
                "sql": each.sql,
                "role": roles.of(each.area),
                "section": each.section,
                "about": each.about,
                "unsafe": each.unsafe,
                "was": each.was,
                "by_hand": each.by_hand,
            }
            for each in statements
        ],
        "undeclared": list(undeclared),
    }
