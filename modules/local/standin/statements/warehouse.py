"""WAREHOUSE: create, alter, drop, show, describe. It computes nothing here; queries need one all the same."""

from __future__ import annotations

import uuid

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import already_exists, does_not_exist, invalid_value
from modules.local.standin.parameters import PARAMETERS
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements.alter import alter_properties, dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import pairs
from modules.local.standin.statements.show import parse_show, yes_no
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_PARAMETERS = frozenset(PARAMETERS["WAREHOUSE"])
_PROPERTIES = frozenset(
    {
        "WAREHOUSE_TYPE", "WAREHOUSE_SIZE", "MAX_CLUSTER_COUNT", "MIN_CLUSTER_COUNT", "SCALING_POLICY",
        "AUTO_SUSPEND", "AUTO_RESUME", "INITIALLY_SUSPENDED", "RESOURCE_MONITOR", "ENABLE_QUERY_ACCELERATION",
        "QUERY_ACCELERATION_MAX_SCALE_FACTOR", "RESOURCE_CONSTRAINT", "GENERATION",
        "WAIT_FOR_COMPLETION", "MAX_QUERY_PERFORMANCE_LEVEL", "QUERY_THROUGHPUT_MULTIPLIER",
    }
)  # fmt: skip
_SIZES = {
    "XSMALL": "X-Small", "SMALL": "Small", "MEDIUM": "Medium", "LARGE": "Large", "XLARGE": "X-Large",
    "XXLARGE": "2X-Large", "X2LARGE": "2X-Large", "XXXLARGE": "3X-Large", "X3LARGE": "3X-Large",
    "X4LARGE": "4X-Large", "X5LARGE": "5X-Large", "X6LARGE": "6X-Large",
}  # fmt: skip
_NUMBERS = ("MAX_CLUSTER_COUNT", "MIN_CLUSTER_COUNT", "AUTO_SUSPEND", "QUERY_ACCELERATION_MAX_SCALE_FACTOR")
_BOOLEANS = ("AUTO_RESUME", "INITIALLY_SUSPENDED", "ENABLE_QUERY_ACCELERATION")


def _size(text: str) -> str:
    """A size's one-word form: `X-Small`, `'x-small'` and XSMALL are the same; 2X-LARGE is XXLARGE."""
    word = text.upper().replace("-", "")
    return {
        "2XLARGE": "XXLARGE",
        "3XLARGE": "XXXLARGE",
        "4XLARGE": "X4LARGE",
        "5XLARGE": "X5LARGE",
        "6XLARGE": "X6LARGE",
    }.get(word, word)


def _check(given: dict[str, str]) -> None:
    if "WAREHOUSE_SIZE" in given:
        given["WAREHOUSE_SIZE"] = _size(given["WAREHOUSE_SIZE"])
        if given["WAREHOUSE_SIZE"] not in _SIZES:
            raise invalid_value(f"invalid value [{given['WAREHOUSE_SIZE']}] for parameter 'WAREHOUSE_SIZE'")
    for key in _NUMBERS:
        if key in given and given[key] != "null" and not given[key].isdigit():
            raise invalid_value(f"invalid value [{given[key]}] for parameter '{key}'")
    for key in _BOOLEANS:
        if key in given and given[key].lower() not in ("true", "false"):
            raise invalid_value(f"invalid value [{given[key]}] for parameter '{key}'")
    if int(given.get("MIN_CLUSTER_COUNT", 1)) > int(given.get("MAX_CLUSTER_COUNT", 10)):
        raise invalid_value("invalid value for parameter 'MIN_CLUSTER_COUNT': more than MAX_CLUSTER_COUNT")


@handles("CREATE WAREHOUSE")
def create(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = (tokens.identifier(),)
    given = pairs(tokens, _PARAMETERS | _PROPERTIES | {"COMMENT"})
    _check(given)
    with context.catalog.change():
        existing = context.catalog.get("WAREHOUSE", name)
        if existing is not None:
            if tolerant:
                return status(f"{quote(name)} already exists, statement succeeded.")
            if "REPLACE" not in tokens.modifiers:
                raise already_exists(quote(name))
        context.access.require_on_account("CREATE WAREHOUSE")
        if existing is not None:
            context.access.require_owner(existing)
            context.catalog.drop(existing)
        comment = given.pop("COMMENT", "")
        params = {key: given.pop(key) for key in list(given) if key in _PARAMETERS}
        given["state"] = "SUSPENDED" if given.get("INITIALLY_SUSPENDED") == "true" else "STARTED"
        given["uuid"] = str(uuid.uuid4())
        context.catalog.create("WAREHOUSE", name, context.session.role, comment=comment, props=given, params=params)
    context.session.warehouse = name[0]
    return status(f"Warehouse {quote(name)} successfully created.")


@handles("DROP WAREHOUSE")
def drop(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = (tokens.identifier(),)
    tokens.end()
    with context.catalog.change():
        entity = context.catalog.get("WAREHOUSE", name)
        if entity is None or not context.access.sees(entity):
            if tolerant:
                return dropped_already(name)
            raise does_not_exist("Warehouse", quote(name))
        context.access.require_owner(entity)
        context.catalog.drop(entity)
    for session in context.sessions.all():
        if session.warehouse == name[0]:
            session.warehouse = None
    return status(f"{quote(name)} successfully dropped.")


@handles("ALTER WAREHOUSE")
def alter(context: Context, tokens: Tokens) -> Result:
    last = tokens.peek(len(tokens) - 1)
    if last is not None and last.kind == "word" and last.value in ("SUSPEND", "RESUME"):
        return _operate(context, tokens)
    return alter_properties(context, tokens, "WAREHOUSE", _PARAMETERS, _PROPERTIES, check=_check)


def _operate(context: Context, tokens: Tokens) -> Result:
    tokens.if_exists()
    with context.catalog.change():
        entity = context.access.find("WAREHOUSE", (tokens.identifier(),))
        context.access.require("OPERATE", entity)
        entity.props["state"] = "SUSPENDED" if tokens.accept("SUSPEND") else "STARTED"
        context.catalog.put(entity)
    return status("Statement executed successfully.")


def _row(context: Context, entity: Entity) -> tuple[object, ...]:
    get = entity.props.get
    name, created = entity.name[0], stamp(entity.created_on)
    user = context.catalog.get("USER", (context.session.user,))
    state = get("state", "STARTED")
    started = state == "STARTED"
    auto_suspend = get("AUTO_SUSPEND", "600")
    return (
        name, state, get("WAREHOUSE_TYPE", "STANDARD"), _SIZES[get("WAREHOUSE_SIZE", "XSMALL")],
        get("MIN_CLUSTER_COUNT", "1"), get("MAX_CLUSTER_COUNT", "1"), int(started), 0, 0,
        yes_no(user is not None and user.props.get("DEFAULT_WAREHOUSE") == name),
        yes_no(context.session.warehouse == name),
        None if auto_suspend in ("0", "null") else auto_suspend, get("AUTO_RESUME", "true"),
        "100" if started else "", "0", "0", "0", created, created, created, entity.owner, entity.comment,
        get("ENABLE_QUERY_ACCELERATION", "false"), get("QUERY_ACCELERATION_MAX_SCALE_FACTOR", "8"),
        get("RESOURCE_MONITOR", "null"), "0", "0", "0", "0", get("uuid", str(entity.id)),
        get("SCALING_POLICY", "STANDARD"), None, "ROLE", get("RESOURCE_CONSTRAINT"), get("GENERATION", "1"),
    )  # fmt: skip


@handles("SHOW WAREHOUSES")
def show(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens).pick(context, context.catalog.of_kind("WAREHOUSE"))
    names = (
        "name,state,type,size,min_cluster_count:int,max_cluster_count:int,started_clusters:int,running:int,queued:int,"
        "is_default,is_current,auto_suspend:int,auto_resume,available,provisioning,quiescing,other,created_on:ts,"
        "resumed_on:ts,updated_on:ts,owner,comment,enable_query_acceleration,query_acceleration_max_scale_factor:int,"
        "resource_monitor,actives,pendings,failed,suspended,uuid,scaling_policy,budget,owner_role_type,"
        "resource_constraint,generation"
    )
    return rows_of(names, [_row(context, entity) for entity in picked])


@handles("DESCRIBE WAREHOUSE", "DESC WAREHOUSE")
def describe(context: Context, tokens: Tokens) -> Result:
    entity = context.access.find("WAREHOUSE", (tokens.identifier(),))
    tokens.end()
    return rows_of("created_on:ts,name,kind", [(stamp(entity.created_on), entity.name[0], "WAREHOUSE")], SCL + 0x500)
