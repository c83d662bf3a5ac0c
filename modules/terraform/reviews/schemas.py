"""Schemas and their compatibility, as Confluent, Glue and a Schema Registry of one's own have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from modules.terraform.avro_rules import LEVELS, SchemaUnreadableError, incompatibilities
from modules.terraform.plan import Change, Finding
from modules.terraform.reviews.values import renames, value

__all__ = ["as_subject", "level_lowered", "schema"]

_GLUE_LEVEL = re.compile("_ALL$")
"""How Glue's levels end that bind every earlier version, as Confluent's do in `_TRANSITIVE`."""


def as_subject(change: Change, levels: Mapping[str, str]) -> Change:
    """Confluent's or Glue's schema, or a change of its compatibility, in the words of the provider the checks are
    written for."""
    if change.type == "confluent_schema":
        sides = [
            None
            if side is None
            else {
                "subject": value(side, "subject_name"),
                "schema": value(side, "schema"),
                "schema_type": value(side, "format"),
                "compatibility_level": levels.get(str(value(side, "subject_name"))),
                "references": value(side, "schema_reference"),
            }
            for side in (change.before, change.after)
        ]
    elif change.type == "aws_glue_schema":
        sides = [
            None
            if side is None
            else {
                "subject": value(side, "schema_name"),
                "schema": value(side, "schema_definition"),
                "schema_type": value(side, "data_format"),
                "compatibility_level": _GLUE_LEVEL.sub("_TRANSITIVE", str(value(side, "compatibility") or "")) or None,
            }
            for side in (change.before, change.after)
        ]
    elif change.type == "confluent_subject_config" and change.kind == "update":
        sides = [
            {"subject": value(side, "subject_name"), "compatibility_level": value(side, "compatibility_level")}
            for side in (change.before, change.after)
        ]
    else:
        return change
    return replace(change, type="schemaregistry_schema", before=sides[0], after=sides[1])


def schema(change: Change) -> Iterable[Finding]:
    if change.type != "schemaregistry_schema" or change.kind not in ("create", "update", "replace", "import"):
        return
    if str(value(change.after, "schema_type") or "AVRO").upper() != "AVRO":
        return
    new, old = value(change.after, "schema"), value(change.before, "schema")
    subject = value(change.after, "subject") or value(change.before, "subject") or change.address
    if not isinstance(new, str):
        return
    if value(change.after, "references"):
        if change.kind == "update":
            yield Finding(
                "warn",
                change.address,
                f"{subject}: its schema refers to other subjects, so the registry alone can tell, while it is "
                "deployed, whether it is compatible",
            )
        return
    before = value(change.before, "compatibility_level")
    level = str(value(change.after, "compatibility_level") or before or "BACKWARD").upper()
    renamed = renames(change, "subject")
    try:
        reasons = incompatibilities(old if isinstance(old, str) and not renamed else new, new, level)
    except SchemaUnreadableError as error:
        yield Finding("refuse", change.address, f"{subject}: the schema is not valid Avro: {error}", "correct the file")
        return
    for reason in reasons:
        yield Finding(
            "refuse",
            change.address,
            f"{subject}: {reason}",
            "change the schema so that it holds, or register it under a new subject",
        )
    if isinstance(old, str) and old != new and not reasons and not renamed and level.endswith("TRANSITIVE"):
        yield Finding(
            "warn",
            change.address,
            f"{subject}: {level} also binds the versions before the current one; the plan compares with the current "
            "one, the registry with all of them when it is deployed",
        )


def level_lowered(change: Change) -> Iterable[Finding]:
    if change.type != "schemaregistry_schema" or change.kind != "update":
        return
    old, new = (str(value(side, "compatibility_level") or "").upper() for side in (change.before, change.after))
    if old in LEVELS and new == "NONE" and old != "NONE":
        subject = value(change.after, "subject") or change.address
        yield Finding(
            "warn",
            change.address,
            f"{subject}: compatibility goes from {old} to NONE: nothing then keeps a schema from breaking its readers",
        )
