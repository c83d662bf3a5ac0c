"""`kafka_acl`: one ACL binding; every field is its identity, so any change replaces it.

Ids and spellings are the official plugin's: `User:sink|*|Read|Allow|Topic|orders|Literal`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modules.local.plugins.batching import Batcher
from modules.local.plugins.kafka.admin import REQUEST_SECONDS, KafkaAdmin, admin_api, outcome
from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State

__all__ = ["AclResource"]

# Terraform's spelling → the member of confluent_kafka's enumeration.
_OPERATIONS = {
    "All": "ALL",
    "Read": "READ",
    "Write": "WRITE",
    "Create": "CREATE",
    "Delete": "DELETE",
    "Alter": "ALTER",
    "Describe": "DESCRIBE",
    "ClusterAction": "CLUSTER_ACTION",
    "DescribeConfigs": "DESCRIBE_CONFIGS",
    "AlterConfigs": "ALTER_CONFIGS",
    "IdempotentWrite": "IDEMPOTENT_WRITE",
}
_PERMISSIONS = {"Allow": "ALLOW", "Deny": "DENY"}
# librdkafka calls the cluster resource (4 on the wire) BROKER.
_TYPES = {"Topic": "TOPIC", "Group": "GROUP", "Cluster": "BROKER", "TransactionalID": "TRANSACTIONAL_ID"}
_PATTERNS = {"Literal": "LITERAL", "Prefixed": "PREFIXED"}

_FIELDS = (
    "acl_principal",
    "acl_host",
    "acl_operation",
    "acl_permission_type",
    "resource_type",
    "resource_name",
    "resource_pattern_type_filter",
)
"""In the order of the id."""

_SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "acl_operation": _OPERATIONS,
    "acl_permission_type": _PERMISSIONS,
    "resource_type": _TYPES,
    "resource_pattern_type_filter": _PATTERNS,
}
_CACHE_SECONDS = 10.0


@dataclass(frozen=True)
class _Acl:
    """A binding, its values in `_FIELDS`' order."""

    values: tuple[str, ...]

    @property
    def identifier(self) -> str:
        return "|".join(self.values)


class AclResource(Resource):
    replace_on = frozenset(_FIELDS)

    def __init__(self, admin: KafkaAdmin) -> None:
        self._admin = admin
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._known: frozenset[_Acl] = frozenset()
        self._create = Batcher(self._create_all)
        self._delete = Batcher(self._delete_all)
        admin.on_reset.append(self._forget)

    def validate(self, config: State) -> Sequence[Diagnostic]:
        found = [
            Diagnostic(
                f"{name} {config[name]!r} is not one of {', '.join(known)}",
                "The spelling is the official provider's, with capitals.",
                (name,),
            )
            for name, known in _SPELLINGS.items()
            if isinstance(config[name], str) and config[name] not in known
        ]
        principal = config["acl_principal"]
        if isinstance(principal, str) and ":" not in principal:
            found.append(
                Diagnostic(f"acl_principal {principal!r} has no type", "Kafka wants `User:<name>`.", ("acl_principal",))
            )
        return found

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        plan = super().plan(prior, planned, config, changed)
        pattern = "resource_pattern_type_filter"
        if prior is not None and pattern in changed and {prior[pattern], planned[pattern]} == {None, "Literal"}:
            # Not given means literal: the same ACL.
            return plan._replace(requires_replace=plan.requires_replace - {pattern})
        return plan

    def create(self, planned: State) -> State:
        acl = _acl(planned)
        self._create(acl)
        return {**planned, "id": acl.identifier}

    def read(self, state: State) -> State | None:
        acl = _parse(state["id"])
        if acl not in self._all():
            return None
        seen = dict(zip(_FIELDS, acl.values, strict=True))
        if state.get("resource_pattern_type_filter") is None and state.get("acl_principal") is not None:
            seen.pop("resource_pattern_type_filter")
        return {"id": state["id"], **seen}

    def update(self, prior: State, planned: State) -> State:
        # Only reached when the pattern type is now spelt out, or no longer: nothing to do.
        return planned

    def delete(self, state: State) -> None:
        self._delete(_acl(state))

    def import_(self, identifier: str) -> State:
        if _parse(identifier) not in self._all():
            raise PluginError(f"there is no ACL {identifier} at {self._admin.servers} to import")
        return {"id": identifier}

    def _forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")

    def _all(self) -> frozenset[_Acl]:
        """Every ACL of the cluster, remembered for a moment."""
        from confluent_kafka import KafkaError

        api = admin_api()

        with self._lock:
            if time.monotonic() - self._read_at < _CACHE_SECONDS:
                return self._known
            every = api.AclBindingFilter(
                api.ResourceType.ANY,
                None,
                api.ResourcePatternType.ANY,
                None,
                None,
                api.AclOperation.ANY,
                api.AclPermissionType.ANY,
            )
            result = outcome(self._admin.client.describe_acls(every, request_timeout=REQUEST_SECONDS))
            if isinstance(result, KafkaError):
                raise self._admin.translate(result, "its ACLs")
            if isinstance(result, Exception):
                raise result
            self._known = frozenset(acl for acl in map(_from_binding, result) if acl is not None)
            self._read_at = time.monotonic()
            return self._known

    def _create_all(self, acls: Sequence[_Acl]) -> list[_Acl | Exception]:
        api = admin_api()

        return self._send(acls, api.AclBinding, "create_acls")

    def _delete_all(self, acls: Sequence[_Acl]) -> list[_Acl | Exception]:
        api = admin_api()

        return self._send(acls, api.AclBindingFilter, "delete_acls")

    def _send(self, acls: Sequence[_Acl], kind: Any, method: str) -> list[_Acl | Exception]:
        from confluent_kafka import KafkaError

        bindings = {acl: _binding(kind, acl) for acl in acls}
        futures = getattr(self._admin.client, method)(list(bindings.values()), request_timeout=REQUEST_SECONDS)
        answers: list[_Acl | Exception] = []
        for acl in acls:
            result = outcome(futures[bindings[acl]])
            if isinstance(result, KafkaError):
                answers.append(self._admin.translate(result, f"the ACL {acl.identifier}"))
            else:
                answers.append(result if isinstance(result, Exception) else acl)
        self._forget()
        return answers


def _acl(state: State) -> _Acl:
    return _Acl(tuple("Literal" if state[name] is None else str(state[name]) for name in _FIELDS))


def _parse(identifier: str) -> _Acl:
    values = tuple(identifier.split("|"))
    if len(values) != len(_FIELDS):
        raise PluginError(
            f"{identifier!r} is not the id of an ACL",
            "It reads principal|host|operation|permission|resource type|resource name|pattern type, "
            "for example User:sink|*|Read|Allow|Topic|orders|Literal.",
        )
    return _Acl(values)


def _binding(kind: Any, acl: _Acl) -> Any:
    api = admin_api()

    principal, host, operation, permission, resource_type, name, pattern = acl.values
    return kind(
        api.ResourceType[_TYPES[resource_type]],
        name,
        api.ResourcePatternType[_PATTERNS[pattern]],
        principal,
        host,
        api.AclOperation[_OPERATIONS[operation]],
        api.AclPermissionType[_PERMISSIONS[permission]],
    )


def _from_binding(binding: Any) -> _Acl | None:
    """The binding in Terraform's spelling; None for kinds this plugin has no word for (delegation tokens)."""

    def spell(known: Mapping[str, str], member: Any) -> str | None:
        return next((word for word, name in known.items() if name == member.name), None)

    values = (
        binding.principal,
        binding.host,
        spell(_OPERATIONS, binding.operation),
        spell(_PERMISSIONS, binding.permission_type),
        spell(_TYPES, binding.restype),
        binding.name,
        spell(_PATTERNS, binding.resource_pattern_type),
    )
    return None if None in values else _Acl(tuple(str(value) for value in values))
