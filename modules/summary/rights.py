"""Who may do more or less after a plan: Kafka ACLs, Confluent role bindings, IAM policies, Snowflake grants.

Computed from the values before and after each change, so that a right that only moves from one resource to another is
neither gained nor lost. A reader is one function for a resource type and one line in `_READERS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modules.summary.model import Entry, Right, UnknownRights
from modules.terraform.plan import SENSITIVE, UNKNOWN

__all__ = ["rights_of", "rights_that_change"]

Values = Mapping[str, Any]
Rights = Iterable[Right]


class _UnknownError(Exception):
    """Something that says who may do what is not known yet."""


def rights_that_change(
    entries: Iterable[Entry],
) -> tuple[tuple[Right, ...], tuple[Right, ...], tuple[UnknownRights, ...]]:
    """Rights gained, rights lost, and changes whose rights only the apply tells."""
    before: set[Right] = set()
    after: set[Right] = set()
    unknown: list[UnknownRights] = []
    for entry in entries:
        change = entry.change
        if change.type not in _READERS or change.kind in ("import", "forget"):
            continue
        if entry.pending or (change.after is None and change.kind != "delete"):
            unknown.append(UnknownRights(entry.stack, change.address))
            continue
        try:
            # The new side first: while it is not known, nothing can be said to be lost either.
            gains = set(rights_of(change.type, change.after, change.after_unknown, change.index_key))
            losses = set(rights_of(change.type, change.before, index_key=change.index_key))
        except _UnknownError:
            unknown.append(UnknownRights(entry.stack, change.address))
            continue
        after |= gains
        before |= losses
    return tuple(sorted(after - before)), tuple(sorted(before - after)), tuple(unknown)


def rights_of(type_: str, values: Values | None, unknown: Any = None, index_key: str | int | None = None) -> Rights:
    """What one resource allows.

    Args:
        unknown: which of the values are known only after the apply.
        index_key: of this project's stacks it begins with the role, which says more than a service account's id.

    Raises:
        _UnknownError: it cannot be told yet.
    """
    if values is None:
        return ()
    role = index_key.partition(" ")[0] if isinstance(index_key, str) and " " in index_key else ""
    return _READERS[type_](_Values(values, unknown if isinstance(unknown, dict) else {}, role))


class _Values(dict[str, Any]):
    """Attributes; asking for one that only the apply tells raises."""

    def __init__(self, values: Values, unknown: Values, role: str = "") -> None:
        super().__init__(values)
        self._unknown = unknown
        self._role = role

    def account(self, name: str) -> str:
        """A Confluent principal with the role that the account has here; the role alone while there is no account."""
        try:
            found = str(self.told(name))
        except _UnknownError:
            if not self._role:
                raise
            return f"{self._role} (its account is still to be made)"
        return f"{found} ({self._role})" if self._role and found.startswith("User:sa-") else found

    def told(self, name: str) -> Any:
        value = self.get(name)
        if self._unknown.get(name) is True or value in (UNKNOWN, SENSITIVE):
            raise _UnknownError
        return value

    def block(self, name: str) -> _Values | None:
        """The one block of that name."""
        blocks = self.told(name)
        if isinstance(blocks, list):
            blocks = blocks[0] if blocks else None
        if not isinstance(blocks, dict):
            return None
        unknown = self._unknown.get(name)
        inner = unknown[0] if isinstance(unknown, list) and unknown else unknown
        return _Values(blocks, inner if isinstance(inner, dict) else {})


def _mongey(values: _Values) -> Rights:
    star = "*" if str(values.told("resource_pattern_type_filter")).lower() == "prefixed" else ""
    host = values.told("acl_host")
    yield Right(
        "kafka",
        _from(values.told("acl_principal"), host),
        str(values.told("acl_operation")).capitalize(),
        f"{str(values.told('resource_type')).lower()} {values.told('resource_name')}{star}",
        str(values.told("acl_permission_type")).lower() == "deny",
    )


def _confluent_acl(values: _Values) -> Rights:
    star = "*" if values.told("pattern_type") == "PREFIXED" else ""
    yield Right(
        "confluent",
        _from(values.account("principal"), values.told("host")),
        str(values.told("operation")).capitalize(),
        f"{str(values.told('resource_type')).lower()} {values.told('resource_name')}{star}",
        str(values.told("permission")).upper() == "DENY",
    )


def _from(principal: Any, host: Any) -> str:
    return f"{principal}" if host in (None, "*") else f"{principal} from {host}"


def _confluent_role(values: _Values) -> Rights:
    pattern = str(values.told("crn_pattern"))
    yield Right("confluent", values.account("principal"), str(values.told("role_name")), _of_crn(pattern))


def _of_crn(pattern: str) -> str:
    """`…/environment=env-1/schema-registry=lsrc-2/subject=orders-value` → its last part, with what it is in."""
    parts = [each for each in pattern.split("/") if "=" in each]
    return " of ".join(each.replace("=", " ", 1) for each in reversed(parts[-2:])) or pattern


def _policy(values: _Values) -> Rights:
    """A policy's statements; of a role's or a user's own its holder is the principal."""
    holder = next((f"{kind} {values[kind]}" for kind in ("role", "user", "group") if values.get(kind)), "")
    on = next((str(values[key]) for key in ("secret_arn", "bucket", "cluster_arn", "name") if values.get(key)), "")
    yield from _statements(values.told("policy"), holder or f"policy {on}".strip())


def _role(values: _Values) -> Rights:
    name = values.get("name") or values.get("name_prefix")
    for each in _statements(values.told("assume_role_policy"), ""):
        yield Right("aws", each.principal, each.right, f"role {name}", each.denied)


def _statements(text: Any, holder: str) -> Rights:
    if not text:
        return
    try:
        found = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise _UnknownError from None
    for statement in found if isinstance(found, list) else [found]:
        denied = statement.get("Effect") == "Deny"
        objects = _many(statement.get("Resource")) or [
            f"all but {each}" for each in _many(statement.get("NotResource"))
        ]
        actions = _many(statement.get("Action")) or [f"all but {each}" for each in _many(statement.get("NotAction"))]
        condition = " (with conditions)" if statement.get("Condition") else ""
        for principal in _principals(statement.get("Principal")) or [holder]:
            for action in actions:
                for what in objects or [""]:
                    yield Right("aws", f"{principal}{condition}", action, what, denied)


def _principals(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return _many(value)
    return [each for names in value.values() for each in _many(names)]


def _many(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _attachment(values: _Values) -> Rights:
    holder = next((f"{kind} {values[kind]}" for kind in ("role", "user", "group") if values.get(kind)), "")
    yield Right("aws", holder, "all that is in", f"policy {values.told('policy_arn')}")


def _member(values: _Values) -> Rights:
    """A Snowflake role given to a user or to another role."""
    role = values.told("role_name") if "role_name" in values else values.told("database_role_name")
    for kind, name in (
        ("user", "user_name"), ("role", "parent_role_name"), ("database role", "parent_database_role_name"),
        ("share", "share_name"),
    ):  # fmt: skip
        if holder := values.told(name):
            yield Right("snowflake", f"{kind} {_plain(holder)}", "all rights of", f"role {_plain(role)}")


def _grant(values: _Values) -> Rights:
    holder = _holder(values)
    option = " with grant option" if values.get("with_grant_option") else ""
    rights = ["ALL PRIVILEGES"] if values.told("all_privileges") else _many(values.told("privileges"))
    where = _granted_on(values)
    for right in rights:
        yield Right("snowflake", holder, f"{right}{option}", where)


def _ownership(values: _Values) -> Rights:
    yield Right("snowflake", _holder(values), "OWNERSHIP", _object(values.block("on")))


def _holder(values: _Values) -> str:
    role = values.told("account_role_name") if values.get("account_role_name") else None
    return f"role {_plain(role)}" if role else f"database role {_plain(values.told('database_role_name'))}"


def _granted_on(values: _Values) -> str:
    if values.get("on_account"):
        return "the account"
    if database := values.get("on_database"):
        return f"database {_plain(database)}"
    if schema := values.block("on_schema"):
        for name, words in (("schema_name", "schema"), ("all_schemas_in_database", "all schemas in"),
                            ("future_schemas_in_database", "future schemas in")):  # fmt: skip
            if schema.told(name):
                return f"{words} {_plain(schema.told(name))}"
    return _object(values.block("on_account_object") or values.block("on_schema_object"))


def _object(on: _Values | None) -> str:
    if on is None:
        return ""
    if name := on.told("object_name"):
        return f"{str(on.told('object_type')).lower()} {_plain(name)}"
    for scope in ("future", "all"):
        if inside := on.block(scope):
            place = inside.told("in_schema") or inside.told("in_database")
            return f"{scope} {str(inside.told('object_type_plural')).lower()} in {_plain(place)}"
    return ""


def _plain(name: Any) -> str:
    """Snowflake's quotation marks are there in every state and say nothing to a reader."""
    return str(name).replace('"', "")


_READERS: Mapping[str, Callable[[_Values], Rights]] = {
    "kafka_acl": _mongey,
    "confluent_kafka_acl": _confluent_acl,
    "confluent_role_binding": _confluent_role,
    "aws_iam_policy": _policy,
    "aws_iam_role_policy": _policy,
    "aws_iam_user_policy": _policy,
    "aws_iam_group_policy": _policy,
    "aws_secretsmanager_secret_policy": _policy,
    "aws_s3_bucket_policy": _policy,
    "aws_msk_cluster_policy": _policy,
    "aws_iam_role": _role,
    "aws_iam_role_policy_attachment": _attachment,
    "aws_iam_user_policy_attachment": _attachment,
    "snowflake_grant_account_role": _member,
    "snowflake_grant_database_role": _member,
    "snowflake_grant_privileges_to_account_role": _grant,
    "snowflake_grant_privileges_to_database_role": _grant,
    "snowflake_grant_ownership": _ownership,
}
