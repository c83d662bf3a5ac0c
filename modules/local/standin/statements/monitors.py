"""RESOURCE MONITOR: declared and shown. Nothing costs credits here, so none is ever used up."""

from __future__ import annotations

import datetime as dt
from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import invalid_value
from modules.local.standin.results import stamp
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, register
from modules.local.standin.statements.options import nested, unknown_property
from modules.local.standin.tokenizer import Tokens

__all__: list[str] = []

_FREQUENCIES = ("MONTHLY", "DAILY", "WEEKLY", "YEARLY", "NEVER")
_PROPERTIES = frozenset({"CREDIT_QUOTA", "FREQUENCY", "START_TIMESTAMP", "END_TIMESTAMP", "NOTIFY_USERS"})
_ACTIONS = ("NOTIFY", "SUSPEND", "SUSPEND_IMMEDIATE")


def _read(context: Context, tokens: Tokens) -> dict[str, Any]:
    """`[WITH] CREDIT_QUOTA = n … TRIGGERS ON p PERCENT DO action …`, also after ALTER … SET."""
    given: dict[str, Any] = {}
    while not tokens.done:
        tokens.accept(",")
        if tokens.accept("WITH"):
            continue
        if tokens.accept("TRIGGERS"):
            given["triggers"] = _triggers(tokens)
            continue
        key = tokens.word()
        if key not in _PROPERTIES:
            raise unknown_property(key)
        tokens.expect("=")
        given[key] = nested(tokens)
    return given


def _triggers(tokens: Tokens) -> list[list[str]]:
    found = []
    while tokens.accept("ON"):
        threshold = tokens.next().value
        tokens.expect("PERCENT", "DO")
        action = tokens.word()
        if not threshold.isdigit() or action not in _ACTIONS:
            raise invalid_value(f"invalid trigger: ON {threshold} PERCENT DO {action}")
        found.append([threshold, action])
    for action in _ACTIONS[1:]:
        if sum(1 for _, one in found if one == action) > 1:
            raise invalid_value(f"invalid trigger: more than one with the action {action}")
    return found


def _check(context: Context, given: dict[str, Any]) -> None:
    quota = given.get("CREDIT_QUOTA")
    if quota is not None and quota != "null" and not quota.isdigit():
        raise invalid_value(f"invalid value [{quota}] for parameter 'CREDIT_QUOTA'")
    frequency = given.get("FREQUENCY")
    if frequency is not None and frequency.upper() not in _FREQUENCIES:
        raise invalid_value(f"invalid value [{frequency}] for parameter 'FREQUENCY'")
    for user in given.get("NOTIFY_USERS", ()):
        context.access.find("USER", (user,))
    if str(given.get("START_TIMESTAMP", "")).upper() == "IMMEDIATELY":
        now = dt.datetime.now(dt.UTC)
        given["START_TIMESTAMP"] = now.strftime("%Y-%m-%d %H:%M")


def _alter(context: Context, entity: Entity, tokens: Tokens) -> bool:
    if not (tokens.accept("SET") or tokens.at("TRIGGERS")):
        return False
    given = _read(context, tokens)
    _check(context, given)
    entity.props.update(given)
    entity.props = {key: value for key, value in entity.props.items() if value not in ("null", [])}
    return True


def _percent(entity: Entity, action: str) -> str | None:
    found = [f"{threshold}%" for threshold, one in entity.props.get("triggers", ()) if one == action]
    return ",".join(sorted(found, key=lambda text: int(text[:-1]))) or None


def _row(context: Context, entity: Entity) -> tuple[Any, ...]:
    get = entity.props.get
    quota = get("CREDIT_QUOTA")
    users = context.catalog.of_kind("WAREHOUSE")
    used = any(one.props.get("RESOURCE_MONITOR") == entity.name[0] for one in users)
    return (
        entity.name[0], f"{quota}.00" if quota else None, "0.00", f"{quota}.00" if quota else None,
        "WAREHOUSE" if used else None, get("FREQUENCY", "MONTHLY").upper(), get("START_TIMESTAMP", ""),
        get("END_TIMESTAMP", ""), *(_percent(entity, action) for action in _ACTIONS), stamp(entity.created_on),
        entity.owner, entity.comment, ", ".join(get("NOTIFY_USERS", ())),
    )  # fmt: skip


def _release(context: Context, entity: Entity) -> None:
    """Warehouses forget a monitor that is dropped."""
    for warehouse in context.catalog.of_kind("WAREHOUSE"):
        if warehouse.props.get("RESOURCE_MONITOR") == entity.name[0]:
            warehouse.props.pop("RESOURCE_MONITOR")
            context.catalog.put(warehouse)


register(
    ObjectKind(
        kind="RESOURCE MONITOR",
        show="name,credit_quota,used_credits,remaining_credits,level,frequency,start_time,end_time,notify_at,suspend_at,"
        "suspend_immediately_at,created_on:ts,owner,comment,notify_users",
        row=_row,
        properties=_PROPERTIES,
        parse=_read,
        check=_check,
        alter=_alter,
        dropping=_release,
    )
)
