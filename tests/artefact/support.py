"""A plan with something of everything, and artefacts made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules.artefact.content import content_hash
from modules.artefact.keys import AgeKey, new_identity
from modules.artefact.package import Artefact, StackFiles
from modules.artefact.states import StateIdentity
from modules.terraform.events import Diagnostic
from modules.terraform.plan import (
    SENSITIVE,
    UNKNOWN,
    AttributeChange,
    Change,
    EnvironmentPlan,
    Finding,
    OutputChange,
    StackPlan,
)

CONTENT = {
    "Terraform": "Terraform 1.15.5",
    "environments/dev.yaml": "aa",
    "infra": "0.1.0",
    "mode": "real",
    "provider confluentinc/confluent": "2.83.3",
    "stack topics": "bb",
}
STATE = StateIdentity("0b8d1a", 7, "cc")
SECRET_BYTES = b"a plan file with a password in clear"


def whole_plan(**changed: Any) -> EnvironmentPlan:
    """One stack planned, one pending."""
    change = Change(
        'kafka_topic.topic["Ä"]', "kafka_topic", "topic", "replace", "Ä",
        {"name": "Ä", "config": {"retention.ms": "1"}, "key": SENSITIVE}, {"name": "Ä", "list": [1, {"a": None}]},
        {"id": True}, (
            AttributeChange("partitions", 6, 3, forces_replacement=True), AttributeChange("id", "x", UNKNOWN),
            AttributeChange("key", SENSITIVE, SENSITIVE, sensitive=True),
        ),
        "replace_because_cannot_update",
    )  # fmt: skip
    planned = StackPlan(
        "topics", (change,), (OutputChange("names", "create", None, ["Ä"], False),),
        (Change("kafka_topic.gone", "kafka_topic", "gone", "delete"),),
        (Diagnostic("warning", "careful", "really", "kafka_topic.x", "cdk.tf.json:3"),),
        (Finding("warn", "kafka_topic.x", "keys move", "leave it"),), unchanged=3, note="a note",
        plan_file=Path("/somewhere/plan.tfplan"), compatibility={"s-value": "FULL"}, digest="d1", inputs_digest="d2",
        targets=("kafka_topic.topic",),
    )  # fmt: skip
    pending = StackPlan(
        "connect", (Change("terraform_data.sink[*]", "terraform_data", "sink", "create"),), pending_on=("topics",)
    )
    values: dict[str, Any] = {"environment": "dev", "stacks": (planned, pending), **changed}
    return EnvironmentPlan(**values)


def artefact(**changed: Any) -> Artefact:
    values: dict[str, Any] = {
        "plan": whole_plan(),
        "created": "2026-11-22 10:00:00 UTC",
        "content": CONTENT,
        "content_hash": content_hash(CONTENT),
        "states": {"topics": STATE, "connect": None},
        "identity": {"AWS account": "111111111111"},
        "tools": {"infra": "0.1.0", "Terraform": "Terraform 1.15.5"},
        "revision": {"commit": "f" * 40, "changed": False},
        "cost": {"monthly": "12.50"},
        "summary": {"lines": [["3 created", "bold"]], "json": {"version": 1}, "markdown": "# plan"},
        "allow_destroy": ("kafka_topic.gone",),
        "files": {
            "topics": StackFiles(SECRET_BYTES, b"lock", b"{}", None, {"a.b": "id-1"}),
            "connect": StackFiles(synthesised=b"{}"),
        },
        **changed,
    }
    return Artefact(**values)


def age_key(folder: Path, name: str = "key.txt") -> AgeKey:
    """A fresh pair."""
    public = new_identity(folder / name)
    private = (folder / name).read_text().splitlines()[-1]
    return AgeKey((public,), (private,))
