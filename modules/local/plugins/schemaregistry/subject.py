"""`schemaregistry_schema`: a subject's newest schema and its compatibility level.

A change registers a new version; another subject or schema type replaces. Schemas are compared by meaning, so that
white space and key order in JSON are no difference.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.schemaregistry.client import RegistryApi, RegistryRefusal

__all__ = ["SchemaResource", "same_schema"]

_LEVELS = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")
_TYPES = {"avro": "AVRO", "json": "JSON", "protobuf": "PROTOBUF"}
_NEW_VERSION_ON = frozenset({"schema", "references", "schema_type"})


def same_schema(kind: str, left: str, right: str) -> bool:
    """Do two texts mean the same schema? Protobuf is compared as text, its white space aside."""
    if left == right:
        return True
    if _TYPES.get(kind.lower()) == "PROTOBUF":
        return left.split() == right.split()
    try:
        return bool(json.loads(left) == json.loads(right))
    except ValueError:
        return False


class SchemaResource(Resource):
    """Identified by its subject."""

    replace_on = frozenset({"subject", "schema_type"})

    def __init__(self, api: RegistryApi) -> None:
        self._api = api

    def validate(self, config: State) -> Sequence[Diagnostic]:
        found = []
        kind, text, level = config["schema_type"], config["schema"], config["compatibility_level"]
        if isinstance(kind, str) and kind.lower() not in _TYPES:
            found.append(Diagnostic(f"schema_type {kind!r} is not one of avro, json, protobuf", path=("schema_type",)))
        elif isinstance(kind, str) and isinstance(text, str) and kind.lower() != "protobuf":
            try:
                json.loads(text)
            except ValueError as error:
                found.append(Diagnostic(f"the schema is not valid JSON: {error}", path=("schema",)))
        if isinstance(level, str) and level.upper() not in _LEVELS:
            known = ", ".join(_LEVELS)
            found.append(
                Diagnostic(f"compatibility_level {level!r} is not one of {known}", path=("compatibility_level",))
            )
        return found

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        planned = dict(planned)
        if planned["hard_delete"] in (None, UNKNOWN):
            planned["hard_delete"] = False
        if prior is None:
            return Plan(planned)
        # Terraform lets a provider keep the prior spelling of what means the same; then there is no difference at all.
        for name in _same_meaning(prior, planned, changed):
            planned[name] = prior[name]
            changed -= {name}
        if changed & _NEW_VERSION_ON:
            planned |= {"version": UNKNOWN, "schema_id": UNKNOWN}
        replaced = changed & self.replace_on
        complaints = () if replaced or not changed & {"schema"} else self._complaints(planned)
        return Plan(planned, replaced, complaints)

    def create(self, planned: State) -> State:
        subject = planned["subject"]
        existing = self._guarded(subject, lambda: self._api.latest(subject))
        if existing is not None:
            raise PluginError(
                f"the subject {subject} already exists at {self._api.url} (version {existing['version']})",
                "It is not in this state. Delete it, or take it over with\n\n"
                f'import {{\n  to = schemaregistry_schema.<name>\n  id = "{subject}"\n}}',
            )
        return self._register(planned, None)

    def read(self, state: State) -> State | None:
        subject = state["id"]
        latest = self._guarded(subject, lambda: self._api.latest(subject))
        if latest is None:
            return None
        kind = state.get("schema_type")
        seen_kind = str(latest.get("schemaType") or "AVRO")
        text = state.get("schema")
        unchanged = text is not None and same_schema(seen_kind, text, latest["schema"])
        references = [
            {"name": one["name"], "subject": one["subject"], "version": one["version"]}
            for one in latest.get("references") or []
        ]
        return {
            "id": subject,
            "subject": subject,
            "schema_type": kind if kind and kind.upper() == seen_kind else seen_kind.lower(),
            "schema": text if unchanged else latest["schema"],
            "references": references or ([] if state.get("references") == [] else None),
            "version": latest["version"],
            "schema_id": latest["id"],
            "compatibility_level": self._seen_level(subject, state.get("compatibility_level")),
            "hard_delete": bool(state.get("hard_delete")),
        }

    def update(self, prior: State, planned: State) -> State:
        return self._register(planned, prior)

    def delete(self, state: State) -> None:
        subject = state["subject"]

        def delete() -> None:
            # A registry wants the soft deletion before the hard one.
            self._api.delete_subject(subject, permanent=False)
            if state["hard_delete"]:
                self._api.delete_subject(subject, permanent=True)
            self._api.clear_compatibility(subject)

        self._guarded(subject, delete)

    def import_(self, identifier: str) -> State:
        if self._guarded(identifier, lambda: self._api.latest(identifier)) is None:
            raise PluginError(f"there is no subject {identifier} at {self._api.url} to import")
        return {"id": identifier}

    def _complaints(self, planned: State) -> tuple[Diagnostic, ...]:
        """What the registry would say to the new schema, asked before anything is changed."""
        if has_unknown([planned["schema"], planned["references"]]):
            return ()
        subject = planned["subject"]
        body = _body(planned)
        messages = self._guarded(subject, lambda: self._api.incompatibilities(subject, body))
        return () if messages is None else (_incompatible(subject, "\n".join(messages)),)

    def _register(self, planned: State, prior: State | None) -> State:
        subject, level = planned["subject"], planned["compatibility_level"]
        kind = _TYPES[planned["schema_type"].lower()]

        def register() -> State:
            # The level comes first: Apicurio checks nothing until one is set, and the new schema is to be checked.
            if isinstance(level, str) and (prior is None or level != prior["compatibility_level"]):
                self._api.set_compatibility(subject, level.upper())
            if prior is None or _differs(prior, planned, kind):
                self._api.register(subject, _body(planned))
            latest = self._api.latest(subject) or {}
            return {
                **planned,
                "id": subject,
                "version": latest.get("version"),
                "schema_id": latest.get("id"),
                "compatibility_level": self._seen_level(subject, level if isinstance(level, str) else None),
            }

        registered: State = self._guarded(subject, register)
        return registered

    def _seen_level(self, subject: str, stated: str | None) -> str | None:
        """The subject's level, in the configuration's spelling where it is the same."""
        seen = self._guarded(subject, lambda: self._api.compatibility(subject))
        return stated if stated is not None and seen == stated.upper() else seen

    def _guarded(self, subject: str, call: Any) -> Any:
        try:
            return call()
        except RegistryRefusal as refusal:
            if refusal.status == 409:
                found = _incompatible(subject, refusal.message)
                raise PluginError(found.summary, found.detail, path=("schema",)) from None
            if refusal.status == 422:
                raise PluginError(
                    f"the registry takes the schema of {subject} for invalid", refusal.message, path=("schema",)
                ) from None
            raise PluginError(
                f"the Schema Registry refused {subject}: {refusal.message}",
                f"{self._api.url}, status {refusal.status}, code {refusal.code}.",
            ) from None


def _differs(prior: State, planned: State, kind: str) -> bool:
    if not same_schema(kind, prior["schema"], planned["schema"]):
        return True
    return (prior["references"] or []) != (planned["references"] or [])


def _same_meaning(prior: State, planned: State, changed: frozenset[str]) -> list[str]:
    """Which changed attributes only changed their spelling."""

    def texts(name: str) -> tuple[str, str] | None:
        before, after = prior[name], planned[name]
        return (before, after) if isinstance(before, str) and isinstance(after, str) else None

    found = []
    kind = texts("schema_type")
    for name in changed & {"schema", "schema_type", "compatibility_level"}:
        pair = texts(name)
        if pair is None or kind is None:
            continue
        if same_schema(kind[0], *pair) if name == "schema" else pair[0].upper() == pair[1].upper():
            found.append(name)
    return found


def _body(planned: State) -> dict[str, Any]:
    body: dict[str, Any] = {"schema": planned["schema"], "schemaType": _TYPES[planned["schema_type"].lower()]}
    if planned["references"]:
        body["references"] = planned["references"]
    return body


def _incompatible(subject: str, said: str) -> Diagnostic:
    return Diagnostic(
        f"the new schema of {subject} is incompatible with its earlier versions",
        "Keep to the subject's compatibility level (for BACKWARD a new field needs a default), or change "
        f"compatibility_level on purpose. The registry says: {said}",
        ("schema",),
    )
