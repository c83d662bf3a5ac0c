"""NETWORK RULE and NETWORK POLICY: declared and shown here, honoured by `login`."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import SnowflakeError, invalid_value
from modules.local.standin.results import stamp
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, head, register
from modules.local.standin.statements.options import value
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__: list[str] = []

_TYPES = ("IPV4", "IPV6", "AWSVPCEID", "AZURELINKID", "GCPPSCID", "HOST_PORT", "PRIVATE_HOST_PORT")
_MODES = ("INGRESS", "INTERNAL_STAGE", "EGRESS", "POSTGRES_INGRESS", "POSTGRES_EGRESS")
_LISTS = ("ALLOWED_NETWORK_RULE_LIST", "BLOCKED_NETWORK_RULE_LIST", "ALLOWED_IP_LIST", "BLOCKED_IP_LIST")


def _network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise invalid_value(f"invalid value [{text}] for parameter 'IP address'") from None


def _check_rule(context: Context, given: dict[str, Any]) -> None:
    for key, allowed in (("TYPE", _TYPES), ("MODE", _MODES)):
        if key in given:
            given[key] = str(given[key]).upper()
            if given[key] not in allowed:
                raise invalid_value(f"invalid value [{given[key]}] for parameter '{key}'")
    if given.get("TYPE") == "IPV4":
        for address in given.get("VALUE_LIST", ()):
            _network(address)


def _rule_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    get = entity.props.get
    return (
        *head(entity), entity.owner, entity.comment, get("TYPE"), get("MODE", "INGRESS"), len(get("VALUE_LIST", ())),
        entity.owner_role_type,
    )  # fmt: skip


def _rule_details(context: Context, entity: Entity) -> list[tuple[Any, ...]]:
    get = entity.props.get
    values = ",".join(get("VALUE_LIST", ()))
    return [(*head(entity), entity.owner, entity.comment, get("TYPE"), get("MODE", "INGRESS"), values)]


def _users_of_rule(context: Context, entity: Entity) -> None:
    for policy in context.catalog.of_kind("NETWORK POLICY"):
        for key in _LISTS[:2]:
            if quote(entity.name) in policy.props.get(key, ()):
                raise SnowflakeError(
                    1492,
                    "42601",
                    f"SQL compilation error:\nNetwork rule {quote(entity.name)} cannot be dropped or replaced as it is "
                    f"associated with one or more entities: network policy {quote(policy.name)}.",
                )


register(
    ObjectKind(
        kind="NETWORK RULE",
        show="created_on:ts,name,database_name,schema_name,owner,comment,type,mode,entries_in_valuelist:int,owner_role_type",
        row=_rule_row,
        properties=frozenset({"TYPE", "MODE", "VALUE_LIST"}),
        check=_check_rule,
        describe="created_on:ts,name,database_name,schema_name,owner,comment,type,mode,value_list",
        details=_rule_details,
        dropping=_users_of_rule,
    )
)


def _rule(context: Context, text: str) -> str:
    """A rule's full name, as policies keep it."""
    name: Name = context.object_name(Tokens(text).name())
    return quote(context.access.find("NETWORK RULE", name).name)


def _check_policy(context: Context, given: dict[str, Any]) -> None:
    for key in _LISTS:
        if key in given and not isinstance(given[key], list):
            raise invalid_value(f"invalid value for parameter '{key}': a list is wanted")
    for key in _LISTS[:2]:
        if key in given:
            given[key] = [_rule(context, text) for text in given[key]]
    for key in _LISTS[2:]:
        for address in given.get(key, ()):
            _network(address)


def _alter_policy(context: Context, entity: Entity, tokens: Tokens) -> bool:
    """`ADD|REMOVE ALLOWED|BLOCKED_NETWORK_RULE_LIST = rule`."""
    adds = tokens.accept("ADD")
    if not adds and not tokens.accept("REMOVE"):
        return False
    key = tokens.word()
    if key not in _LISTS[:2]:
        raise tokens.unexpected()
    tokens.expect("=")
    rule = _rule(context, value(tokens))
    others = [one for one in entity.props.get(key, []) if one != rule]
    entity.props[key] = [*others, rule] if adds else others
    return True


def _policy_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    counts = {key: len(entity.props.get(key, ())) for key in _LISTS}
    allowed_rules, blocked_rules, allowed, blocked = (counts[key] for key in _LISTS)
    return (stamp(entity.created_on), entity.name[0], entity.comment, allowed, blocked, allowed_rules, blocked_rules)


def _policy_details(context: Context, entity: Entity) -> list[tuple[str, str]]:
    rows = [(key, ",".join(entity.props[key])) for key in _LISTS[2:] if entity.props.get(key)]
    for key in _LISTS[:2]:
        if entity.props.get(key):
            rules = [{"fullyQualifiedRuleName": name} for name in entity.props[key]]
            rows.append((key, json.dumps(rules, separators=(",", ":"))))
    return rows


def _users_of_policy(context: Context, entity: Entity) -> None:
    for kind in ("USER", "ACCOUNT"):
        for holder in context.catalog.of_kind(kind):
            if holder.params.get("NETWORK_POLICY") == entity.name[0]:
                raise SnowflakeError(
                    1492,
                    "42601",
                    f"SQL compilation error:\nNetwork policy {quote(entity.name)} cannot be dropped or replaced as it "
                    f"is associated with one or more entities: {kind.lower()} {quote(holder.name)}.",
                )


register(
    ObjectKind(
        kind="NETWORK POLICY",
        show="created_on:ts,name,comment,entries_in_allowed_ip_list:int,entries_in_blocked_ip_list:int,"
        "entries_in_allowed_network_rules:int,entries_in_blocked_network_rules:int",
        row=_policy_row,
        properties=frozenset(_LISTS),
        check=_check_policy,
        alter=_alter_policy,
        describe="name,value",
        details=_policy_details,
        dropping=_users_of_policy,
    )
)
