"""Whether each subject's schema may follow the one before it: the one deployed, or the base revision's.

With a base, its rules hold: the level that the base gives a subject is the one its new schema is held against, so
that a change cannot lower a level and break its readers in one step.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from modules.summary.avro_fields import field_changes
from modules.summary.model import Base, BaseSchema, Entry, SchemaCheck, Verdict
from modules.terraform.avro_rules import SchemaUnreadableError, incompatibilities
from modules.terraform.plan import UNKNOWN, Change, EnvironmentPlan
from modules.terraform.reviews.schemas import as_subject

if TYPE_CHECKING:
    from modules.environment.model import Environment
    from modules.project import Project

__all__ = ["check_schemas", "schemas_of"]

_TYPES = ("schemaregistry_schema", "confluent_schema", "aws_glue_schema")
_DEPLOYED = "what is deployed"
_REFERS = "it refers to other subjects: the registry alone can tell, when it is deployed"


def schemas_of(environment: Environment, project: Project) -> Mapping[str, BaseSchema]:
    """Subject → the schema that the environment's YAML gives it; a file that cannot be read is left out."""
    from modules.topics.specs import schema_specs

    found = {}
    for spec in schema_specs(environment):
        try:
            text = (project.environments / spec.path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        found[spec.subject] = BaseSchema(text, spec.compatibility.upper(), bool(spec.references))
    return found


def check_schemas(
    plan: EnvironmentPlan, entries: Sequence[Entry], now: Mapping[str, BaseSchema], base: Base | None
) -> tuple[SchemaCheck, ...]:
    """One check for each subject whose schema or level changes, those that break first."""
    levels = {stack.stack: stack.compatibility for stack in plan.stacks}
    planned = (
        _planned(as_subject(entry.change, levels.get(entry.stack, {})), entry.pending)
        for entry in entries
        if entry.change.type in _TYPES
    )
    found = {each.subject: each for each in planned if each is not None}
    for entry in entries:
        if entry.change.type == "confluent_subject_config" and entry.kind == "update":
            moved = _moved(as_subject(entry.change, {}))
            found[moved.subject] = replace(found.get(moved.subject, moved), new_level=moved.new_level)
    if base is not None:
        found |= {each.subject: each for each in _against(base, now)}
    order = ("breaks", "invalid", "unchecked", "removed", "same", "compatible", "new")
    return tuple(sorted(found.values(), key=lambda each: (order.index(each.verdict), each.subject)))


def _moved(change: Change) -> SchemaCheck:
    """A level that changes where a provider keeps it in a resource of its own."""
    before, after = change.before or {}, change.after or {}
    level = str(before.get("compatibility_level") or "")
    return SchemaCheck(
        str(after.get("subject")), level, "same", _DEPLOYED, new_level=str(after.get("compatibility_level"))
    )


def _planned(change: Change, pending: bool) -> SchemaCheck | None:
    before, after = (
        {name: None if value == UNKNOWN else value for name, value in (side or {}).items()}
        for side in (change.before, change.after)
    )
    subject = str(after.get("subject") or before.get("subject") or change.index_key or change.address)
    level = str(after.get("compatibility_level") or before.get("compatibility_level") or "BACKWARD").upper()
    if change.kind == "delete":
        return SchemaCheck(subject, level, "removed", _DEPLOYED)
    if pending:
        return SchemaCheck(subject, "", "new", None)
    new, old = after.get("schema"), before.get("schema")
    if not isinstance(new, str):
        return SchemaCheck(subject, level, "unchecked", None, ("its schema is known only after the apply",))
    kind = str(after.get("schema_type") or "AVRO").upper()
    if kind != "AVRO":
        return SchemaCheck(subject, level, "unchecked", _DEPLOYED, (f"{kind} schemas are the registry's to judge",))
    was = str(before.get("compatibility_level") or level).upper()
    renamed = before.get("subject") not in (None, subject)
    sides = (
        BaseSchema(old, was) if isinstance(old, str) and not renamed else None,
        BaseSchema(new, level, bool(after.get("references"))),
    )
    return _check(subject, sides[0], sides[1], level, _DEPLOYED)


def _against(base: Base, now: Mapping[str, BaseSchema]) -> Iterable[SchemaCheck]:
    """Every subject that the two have, held against the base's level, whether or not Terraform shows a change."""
    for subject, new in now.items():
        old = base.schemas.get(subject)
        found = _check(subject, old, new, old.level if old else new.level, base.label)
        if found is not None:
            yield found
    for subject, old in base.schemas.items():
        if subject not in now:
            yield SchemaCheck(subject, old.level, "removed", base.label)


def _check(subject: str, old: BaseSchema | None, new: BaseSchema, level: str, against: str) -> SchemaCheck | None:
    """None where neither the schema nor its level changes."""
    moved = new.level if new.level != (old.level if old else level) else None
    if old is not None and moved is None and _same(old.text, new.text):
        return None
    fields = field_changes(old.text, new.text) if old else ()
    try:
        reasons = incompatibilities(old.text if old else new.text, new.text, level) if not new.references else ()
    except SchemaUnreadableError as error:
        return SchemaCheck(subject, level, "invalid", against, (f"it is not valid Avro: {error}",), fields, moved)
    if reasons:
        return SchemaCheck(subject, level, "breaks", against, reasons, fields, moved)
    if old is None:
        return SchemaCheck(subject, level, "new", None, new_level=moved)
    if new.references:
        return SchemaCheck(subject, level, "unchecked", against, (_REFERS,), fields, moved)
    verdict: Verdict = "same" if _same(old.text, new.text) else "compatible"
    return SchemaCheck(subject, level, verdict, against, (), fields, moved)


def _same(old: str, new: str) -> bool:
    try:
        return bool(json.loads(old) == json.loads(new))
    except ValueError:
        return old == new
