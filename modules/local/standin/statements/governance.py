"""TAG and MASKING POLICY, and their attachment: ALTER … SET TAG, … SET MASKING POLICY.

Masking policies are applied to reads by `rewriting`; a masking policy on a tag is refused.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.columns import columns_of, parse_type
from modules.local.standin.errors import SnowflakeError, invalid_value, unsupported
from modules.local.standin.kinds import KINDS
from modules.local.standin.results import Result, rows_of, status
from modules.local.standin.statements.alter import full_name
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.grants import object_kind
from modules.local.standin.statements.objects import ObjectKind, head, register
from modules.local.standin.statements.options import nested, unknown_property
from modules.local.standin.tokenizer import Token, Tokens, quote

__all__ = ["asks_policies", "get_tag", "is_tagging", "policy_references", "tagging"]


# -- tags --------------------------------------------------------------------------------------------------------------


def _strings(tokens: Tokens) -> list[str]:
    found = [tokens.string()]
    while tokens.accept(","):
        found.append(tokens.string())
    return found


def _read_tag(context: Context, tokens: Tokens) -> dict[str, Any]:
    given: dict[str, Any] = {}
    while not tokens.done:
        key = tokens.word()
        if key == "ALLOWED_VALUES":
            given[key] = _strings(tokens)
        elif key in ("COMMENT", "PROPAGATE", "ON_CONFLICT"):
            tokens.expect("=")
            given[key] = nested(tokens)
        else:
            raise unknown_property(key)
    return given


def _alter_tag(context: Context, entity: Entity, tokens: Tokens) -> bool:
    allowed = entity.props.get("ALLOWED_VALUES", [])
    if tokens.accept("ADD", "ALLOWED_VALUES"):
        entity.props["ALLOWED_VALUES"] = [*allowed, *(one for one in _strings(tokens) if one not in allowed)]
    elif tokens.accept("DROP", "ALLOWED_VALUES"):
        gone = _strings(tokens)
        entity.props["ALLOWED_VALUES"] = [one for one in allowed if one not in gone]
    elif tokens.accept("SET", "ALLOWED_VALUES"):
        entity.props["ALLOWED_VALUES"] = _strings(tokens)
    elif tokens.accept("UNSET", "ALLOWED_VALUES"):
        entity.props.pop("ALLOWED_VALUES", None)
    elif tokens.at("SET", "MASKING", "POLICY") or tokens.at("UNSET", "MASKING", "POLICY"):
        raise unsupported("ALTER TAG … MASKING POLICY")
    else:
        return False
    return True


def _tag_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    allowed = entity.props.get("ALLOWED_VALUES")
    shown = json.dumps(allowed, separators=(",", ":")) if allowed else None
    return (
        *head(entity), entity.owner, entity.comment, shown, entity.owner_role_type,
        entity.props.get("PROPAGATE", "NONE"), entity.props.get("ON_CONFLICT"),
    )  # fmt: skip


def _forget_tag(context: Context, entity: Entity) -> None:
    name = quote(entity.name)
    for holder in list(context.catalog.entities.values()):
        tags = holder.props.get("tags", {})
        kept = {key: value for key, value in tags.items() if key.split("\0")[0] != name}
        if kept != tags:
            holder.props["tags"] = kept
            context.catalog.put(holder)


register(
    ObjectKind(
        kind="TAG",
        show="created_on:ts,name,database_name,schema_name,owner,comment,allowed_values,owner_role_type,propagate,"
        "on_conflict",
        row=_tag_row,
        properties=frozenset({"PROPAGATE", "ON_CONFLICT"}),
        parse=_read_tag,
        alter=_alter_tag,
        dropping=_forget_tag,
    )
)


def is_tagging(tokens: Tokens) -> bool:
    """Whether an ALTER attaches or detaches tags, whatever it alters."""
    words = [token.value if token.kind == "word" else "" for token in tokens.all()]
    pairs = set(itertools.pairwise(words))
    return words[:1] == ["ALTER"] and (("SET", "TAG") in pairs or ("UNSET", "TAG") in pairs)


def tagging(context: Context, tokens: Tokens) -> Result:
    """`ALTER <kind> [IF EXISTS] <name> [MODIFY COLUMN c] SET TAG t = 'v', … | UNSET TAG t, …`."""
    tokens.expect("ALTER")
    kind = object_kind(tokens)
    tokens.if_exists()
    name = full_name(context, kind, tokens.name())
    column = ""
    with context.catalog.change():
        entity = context.access.find(kind, name)
        if tokens.accept("MODIFY") or tokens.accept("ALTER"):
            tokens.accept("COLUMN")
            column = tokens.identifier()
            _column(entity, column)
        tags = dict(entity.props.get("tags", {}))
        sets = tokens.accept("SET", "TAG")
        if not sets:
            tokens.expect("UNSET", "TAG")
        while True:
            tag = context.access.find("TAG", context.object_name(tokens.name()))
            if not (context.access.on_account("APPLY TAG") or context.access.holds("APPLY", "TAG", tag.name)):
                context.access.require_owner(entity)
            key = quote(tag.name) + (f"\0{column}" if column else "")
            if sets:
                tokens.expect("=")
                tags[key] = _tag_value(tag, tokens.string())
            else:
                tags.pop(key, None)
            if not tokens.accept(","):
                break
        tokens.end()
        entity.props["tags"] = tags
        context.catalog.put(entity)
    return status("Statement executed successfully.")


def _tag_value(tag: Entity, text: str) -> str:
    allowed = tag.props.get("ALLOWED_VALUES")
    if allowed and text not in allowed:
        raise SnowflakeError(
            390309,
            "22023",
            f"SQL compilation error:\nValue '{text}' is not in the list of allowed values for tag {quote(tag.name)}.",
        )
    return text


def _column(entity: Entity, name: str) -> None:
    if all(column.name != name for column in columns_of(entity)):
        raise SnowflakeError(
            904, "42000", f"SQL compilation error: error line 0 at position -1\ninvalid identifier '{name}'"
        )


def get_tag(context: Context, tag: str, target: str, domain: str) -> str | None:
    """SYSTEM$GET_TAG('tag', 'object', 'domain')."""
    kind, column = domain.upper(), ""
    name = Tokens(target).name()
    if kind == "COLUMN":
        kind, column, name = "TABLE", f"\0{name[-1]}", name[:-1]
    if kind not in KINDS:
        raise invalid_value(f"invalid value [{domain}] for parameter 'domain'")
    entity = context.access.find(kind, full_name(context, kind, name))
    found = context.access.find("TAG", context.object_name(Tokens(tag).name()))
    value = entity.props.get("tags", {}).get(quote(found.name) + column)
    return None if value is None else str(value)


# -- masking policies --------------------------------------------------------------------------------------------------


def _body(tokens: Tokens) -> str:
    """The text after `->`, up to COMMENT = or EXEMPT_OTHER_POLICIES = or the end."""
    tokens.expect("-", ">")
    first: Token | None = None
    last: Token | None = None
    while not tokens.done and not tokens.at("COMMENT", "=") and not tokens.at("EXEMPT_OTHER_POLICIES", "="):
        last = tokens.next()
        first = first or last
    if first is None or last is None:
        raise tokens.unexpected()
    return tokens.sql[first.position : last.end]


def _read_policy(context: Context, tokens: Tokens) -> dict[str, Any]:
    tokens.expect("AS", "(")
    arguments = []
    while not tokens.accept(")"):
        arguments.append([tokens.identifier(), str(parse_type(tokens))])
        tokens.accept(",")
    tokens.expect("RETURNS")
    returns = str(parse_type(tokens))
    if not arguments or arguments[0][1].split("(")[0] != returns.split("(")[0]:
        raise SnowflakeError(
            1003, "42000", "SQL compilation error:\nThe masking policy's return type must be that of its argument."
        )
    given: dict[str, Any] = {"signature": arguments, "returns": returns, "body": _body(tokens)}
    while not tokens.done:
        key = tokens.word()
        if key not in ("COMMENT", "EXEMPT_OTHER_POLICIES"):
            raise unknown_property(key)
        tokens.expect("=")
        given[key] = nested(tokens)
    return given


def _alter_policy(context: Context, entity: Entity, tokens: Tokens) -> bool:
    if not tokens.accept("SET", "BODY"):
        return False
    entity.props["body"] = _body(tokens)
    return True


def _policy_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    exempt = str(entity.props.get("EXEMPT_OTHER_POLICIES", "false")).lower()
    options = f'{{"EXEMPT_OTHER_POLICIES": "{exempt.upper()}"}}' if exempt == "true" else ""
    return (*head(entity), "MASKING_POLICY", entity.owner, entity.comment, options, entity.owner_role_type)


def _policy_details(context: Context, entity: Entity) -> list[tuple[str, str, str, str]]:
    # DESCRIBE leaves a type's lengths out of the signature.
    signature = ", ".join(f"{name} {kind.split('(')[0]}" for name, kind in entity.props["signature"])
    return [(entity.name[2], f"({signature})", entity.props["returns"], entity.props["body"])]


def _users_of_policy(context: Context, entity: Entity) -> None:
    for kind in ("TABLE", "ICEBERG TABLE"):
        for table in context.catalog.of_kind(kind):
            if any(column.masking_policy == quote(entity.name) for column in columns_of(table)):
                raise SnowflakeError(
                    3534,
                    "23001",
                    f"SQL compilation error:\nPolicy {entity.name[2]} cannot be dropped/replaced as it is associated "
                    "with one or more entities.",
                )


register(
    ObjectKind(
        kind="MASKING POLICY",
        show="created_on:ts,name,database_name,schema_name,kind,owner,comment,options,owner_role_type",
        row=_policy_row,
        parse=_read_policy,
        alter=_alter_policy,
        describe="name,signature,return_type,body",
        details=_policy_details,
        dropping=_users_of_policy,
    )
)


_REFERENCES = "POLICY_REFERENCES"
_METRICS = "DATA_METRIC_FUNCTION_REFERENCES"


def asks_policies(tokens: Tokens) -> bool:
    """Whether this is `SELECT * FROM TABLE(….INFORMATION_SCHEMA.POLICY_REFERENCES(…))`."""
    words = [token.value for token in tokens.all() if token.kind == "word"]
    return words[:3] == ["SELECT", "FROM", "TABLE"] and (_REFERENCES in words or _METRICS in words)


def policy_references(context: Context, tokens: Tokens) -> Result:
    """Which policies are on an object, or on what objects a policy is."""
    if any(token.value == _METRICS for token in tokens.all()):
        # Data metric functions cannot be attached here, so there is none.
        return rows_of("METRIC_NAME,REF_ENTITY_NAME,REF_ENTITY_DOMAIN", [], 0x1000)
    while not tokens.accept(_REFERENCES):
        tokens.next()
    tokens.expect("(")
    given: dict[str, str] = {}
    while not tokens.accept(")"):
        key = tokens.word()
        tokens.expect("=>")
        given[key] = tokens.string()
        tokens.accept(",")
    policy, target = given.get("POLICY_NAME"), given.get("REF_ENTITY_NAME")
    if (policy is None) is (target is None):
        raise unsupported(f"{_REFERENCES} without either POLICY_NAME or REF_ENTITY_NAME")
    rows = []
    for table in [*context.catalog.of_kind("TABLE"), *context.catalog.of_kind("ICEBERG TABLE")]:
        if target is not None and table.name != context.object_name(Tokens(target).name()):
            continue
        for column in columns_of(table):
            found = Tokens(column.masking_policy).name() if column.masking_policy else ()
            if found and (policy is None or found == context.object_name(Tokens(policy).name())):
                row = (*found, "MASKING_POLICY", *table.name, "TABLE", column.name, None, None, None, None, "ACTIVE")
                rows.append(row)
    return rows_of(
        "POLICY_DB,POLICY_SCHEMA,POLICY_NAME,POLICY_KIND,REF_DATABASE_NAME,REF_SCHEMA_NAME,REF_ENTITY_NAME,"
        "REF_ENTITY_DOMAIN,REF_COLUMN_NAME,REF_ARG_COLUMN_NAMES,TAG_DATABASE,TAG_SCHEMA,TAG_NAME,POLICY_STATUS",
        rows,
        0x1000,
    )
