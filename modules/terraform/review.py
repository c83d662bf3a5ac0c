"""What is wrong or risky in a stack's plan, beyond what Terraform sees. Pure: a plan in, findings out.

`refuse` stops a plan before anything is touched; `warn` is shown with it. A check is one function in `reviews/` and one
line in `_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from modules.terraform.plan import AttributeChange, Change, Finding, StackPlan
from modules.terraform.reviews import brokers, clusters, data, schemas, topics
from modules.terraform.reviews.schemas import as_subject
from modules.terraform.source import declared
from modules.terraform.state import read_attributes

__all__ = ["data_losses", "judge", "review", "review_declared"]

_JUDGED: Mapping[str, tuple[str, ...]] = {
    "kafka_topic": ("name", "partitions"),
    "confluent_kafka_topic": ("topic_name", "partitions_count"),
    "schemaregistry_schema": ("subject", "schema", "schema_type", "compatibility_level"),
    "aws_glue_schema": ("schema_name", "schema_definition", "data_format", "compatibility"),
}
"""Arguments that a refusal depends on."""

_CHECKS: tuple[Callable[[Change], Iterable[Finding]], ...] = (
    clusters.cluster_type,
    clusters.cluster_size,
    clusters.msk_kind,
    topics.partitions,
    topics.replication,
    schemas.schema,
    schemas.level_lowered,
    data.holds_data,
    brokers.brokers,
    data.columns,
)


def review(plan: StackPlan) -> tuple[Finding, ...]:
    """All findings, refusals first."""
    found = [finding for change in plan.changes for finding in judge(as_subject(change, plan.compatibility))]
    return tuple(sorted(found, key=lambda finding: finding.severity != "refuse"))


def review_declared(document: Mapping[str, Any], state: Path) -> tuple[Change, ...]:
    """Changes the JSON asks for that a review refuses, judged against the state without Terraform.

    For when Terraform made no plan: a provider plugin that knows the rule itself fails the plan with words of its own,
    or none. Only arguments whose values the JSON alone tells are judged.
    """
    held = read_attributes(state, _JUDGED)
    changes = (
        Change(
            item.address,
            item.type,
            item.name,
            "update",
            index_key=item.key,
            before=(old := {name: held[item.address].get(name) for name in _JUDGED[item.type]}),
            after=(new := {name: item.literal(name) for name in _JUDGED[item.type]}),
            attributes=tuple(
                AttributeChange(name, old[name], new[name])
                for name in old
                if new[name] is not None and old[name] != new[name]
            ),
        )
        for item in declared(document)
        if item.address in held and item.type in _JUDGED
    )
    return tuple(
        change for change in changes if any(item.severity == "refuse" for item in judge(as_subject(change, {})))
    )


def judge(change: Change) -> tuple[Finding, ...]:
    """All findings about one change."""
    return tuple(finding for check in _CHECKS for finding in check(change))


def data_losses(change: Change) -> tuple[Finding, ...]:
    """What is lost of the data that is there: all of it, a column's values, or a broker's copies."""
    change = as_subject(change, {})
    found = (finding for check in (data.holds_data, brokers.brokers, data.columns) for finding in check(change))
    return tuple(finding for finding in found if finding.message.startswith("holds data: "))
