"""Every platform's Terraform JSON: what is kept is what is made, and it is what the providers' schemas take."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.platforms.golden import GOLDEN, cases, golden, render, synthesise
from tests.platforms.schema_walk import blocks_of, faults, strings

PLACES = frozenset(
    [
        *("bin", "dev", "etc", "opt", "usr", "var"),  # in the brokers' containers and on their machines
        *("connectors", "health"),  # what a load balancer asks for
        *("aws", "streaming"),  # parameters and log groups
    ]
)

CASES = cases()
FILES = sorted(GOLDEN.glob("*/*.tf.json"))


def of(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


@pytest.mark.parametrize("case", CASES)
def test_what_is_synthesised_is_what_is_kept(case: str, tmp_path: Path) -> None:
    made, kept = synthesise(case, tmp_path), golden(case)
    assert list(made) and set(made) == set(kept)
    for stack in made:
        assert render(made[stack]) == render(kept[stack]), f"python -m tests.platforms.golden {case}, if it is meant"


def test_every_golden_folder_is_a_case() -> None:
    assert {file.parent.name for file in FILES} == set(CASES)


@pytest.mark.parametrize("file", FILES, ids=of)
def test_every_argument_is_in_the_schema_and_of_its_type(file: Path) -> None:
    assert list(faults(json.loads(file.read_text()))) == []


@pytest.mark.parametrize("file", FILES, ids=of)
def test_no_golden_file_holds_a_path_of_a_machine_or_a_key(file: Path) -> None:
    text = file.read_text()
    for wrong in ("PRIVATE KEY-----", tempfile.gettempdir(), str(Path.cwd())):
        assert wrong not in text
    roots = set(re.findall(r"(?<![\w./:$})\\-])/([A-Za-z][\w.-]*)", text))
    assert roots <= PLACES, "an absolute path that is neither in a container nor a name of AWS's"


@pytest.mark.parametrize("file", FILES, ids=of)
def test_every_input_that_is_secret_is_ephemeral(file: Path) -> None:
    document = json.loads(file.read_text())
    for name, body in document.get("variable", {}).items():
        secret = any(word in name for word in ("password", "secret", "private_key", "api_key"))
        kept = f"var.{name}" in _kept_by_connectors(document)
        assert not secret or ((kept or body.get("ephemeral") is True) and body.get("sensitive") is True), name
        assert "default" not in body, name


def _kept_by_connectors(document: dict[str, Any]) -> str:
    """What managed connectors are told of secrets: their providers keep it in the state, as docs/connectors.md says."""
    kinds = ("confluent_connector", "kafka-connect_connector")
    bodies = [body for kind in kinds for body in document["resource"].get(kind, {}).values()]
    return json.dumps([body.get("config_sensitive") for body in bodies])


@pytest.mark.parametrize("file", FILES, ids=of)
def test_no_secret_reaches_a_plan_but_by_a_provider_or_a_write_only_argument(file: Path) -> None:
    """Terraform refuses an ephemeral variable elsewhere, but only when it runs; here it is told without it."""
    document = json.loads(file.read_text())
    ephemeral = [f"var.{name}" for name, body in document.get("variable", {}).items() if body.get("ephemeral")]
    for _section, type_, name, body in blocks_of(document):
        plain = {key: value for key, value in body.items() if not key.endswith("_wo")}
        used = [variable for variable in ephemeral for text in strings(plain) if variable in text]
        assert not used, f"{type_}.{name} takes {used}"


@pytest.mark.parametrize("file", FILES, ids=of)
def test_a_sensitive_output_says_so(file: Path) -> None:
    document = json.loads(file.read_text())
    for name, body in document.get("output", {}).items():
        text = json.dumps(body["value"])
        assert body.get("sensitive") is True or not (".secret" in text or "password" in text), name


def test_the_walk_finds_what_is_wrong() -> None:
    """Each fault this test suite relies on, planted in a file that has none."""
    good = golden("confluent-basic-dev")["topics"]
    assert list(faults(good)) == []

    def after(change: Any) -> list[str]:
        document = json.loads(json.dumps(good))
        change(document)
        return list(faults(document))

    def topic(document: Any) -> Any:
        return document["resource"]["confluent_kafka_topic"]["topic"]

    found = after(lambda d: topic(d).update(partition_count=3))
    assert any("partition_count: no such argument" in line for line in found)
    found = after(lambda d: topic(d).pop("topic_name"))
    assert any("topic_name is required" in line for line in found)
    found = after(lambda d: d["locals"]["confluent_kafka_topic_topic"]["order-events"].update(partitions="6"))
    assert found == ['confluent_kafka_topic.topic["order-events"].partitions_count: expected number, got str']
    found = after(lambda d: d["provider"]["confluent"][0].update(kafka_api_secret="s3cret"))
    assert found == ["provider.confluent.kafka_api_secret: a secret written out"]
    found = after(lambda d: d["variable"].pop("kafka_api_key"))
    assert found == ["var.kafka_api_key: referred to, not declared"]
    found = after(lambda d: topic(d).update(id="x", credentials=[{"key": "k"}]))
    assert any("secret is required" in line for line in found) and any("written out" in line for line in found)


def test_collections_are_for_each_and_never_numbered() -> None:
    for case in CASES:
        for stack, document in golden(case).items():
            names = [f"{type_}.{name}" for _, type_, name, _ in blocks_of(document)]
            numbered = [name for name in names if name.rpartition("_")[2].isdecimal()]
            assert not numbered, (case, stack, numbered)
