"""What an apply was creating when it was killed: written down, found again, planned as an import."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.errors import PlanError
from modules.simulated.mirror import write_simulated_mirror
from modules.simulated.store import Store
from modules.terraform.engine import Deployment, Options
from modules.terraform.events import ResourceEvent
from modules.terraform.import_ids import import_id, is_listed
from modules.terraform.journal import Journal, unfinished
from modules.terraform.plan import SENSITIVE, Change, EnvironmentPlan, StackPlan
from modules.terraform.providers import ProviderInstallation
from modules.terraform.records import ProcessRecord
from tests.terraform.support import Workbench, shell, until

DEPLOY = """
import json, sys
from pathlib import Path
from tests.terraform.support import Workbench
from tests.terraform.test_journal import deployment_of
bench = Workbench(Path(sys.argv[1]))
document = json.loads((bench.root / "synth" / "one.tf.json").read_text())
document.pop("terraform")
bench.stack("one", document)
deployment = deployment_of(bench)
deployment.apply(deployment.plan())
"""


def topic(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "partitions": 1, "replication_factor": 1, **more}


def deployment_of(bench: Workbench) -> Deployment:
    """With the simulated plugins, whose creation fails where there is an object of that name."""
    mirror = bench.root / "plugins"
    if not mirror.exists():
        write_simulated_mirror(mirror, bench.root / "objects.sqlite")
    for source in bench.sources.values():
        document = json.loads(source.json_path.read_text())
        document["terraform"]["required_providers"] = {"kafka": {"source": "mongey/kafka"}}
        document["provider"] = {"kafka": {"bootstrap_servers": ["nowhere:1"]}}
        source.json_path.write_text(json.dumps(document))
    return Deployment(
        bench.project,
        "test",
        list(bench.sources.values()),
        ProviderInstallation("bundled", mirror),
        Options(progress=bench.progress),
    )


@pytest.fixture
def killed(bench: Workbench) -> Iterator[Workbench]:
    """Every process of a deploy was killed after a topic was made and before the state was written."""
    began, gate = bench.root / "began", bench.root / "gate"
    wait = f"touch {began}; while ! test -e {gate}; do sleep 0.05; done"
    topics = {
        "made": topic("made", provisioner=shell(wait)),
        "waiting": topic("waiting", depends_on=["kafka_topic.made"]),
    }
    bench.stack("one", {"resource": {"kafka_topic": topics}})
    run = subprocess.Popen(
        [sys.executable, "-c", DEPLOY, str(bench.root)], cwd=Path(__file__).parents[2], start_new_session=True
    )
    try:
        until(lambda: began.exists() and (bench.folder("one") / "run.json").exists())
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        record = ProcessRecord.read(bench.folder("one") / "run.json")
        if record is not None:
            os.killpg(record.pid, signal.SIGKILL)
            until(lambda: not record.alive())
    gate.touch()
    yield bench


def held(bench: Workbench) -> list[str]:
    state = json.loads((bench.folder("one") / "terraform.tfstate").read_text() or '{"resources": []}')
    return [f"{each['type']}.{each['name']}" for each in state["resources"]]


def test_what_a_killed_deploy_left_behind_is_planned_as_an_import_and_nothing_is_doubled(killed: Workbench) -> None:
    store = Store(killed.root / "objects.sqlite")
    assert store.get("kafka_topic", "made") is not None and held(killed) == []
    killed.sources.clear()
    killed.stack("one", {"resource": {"kafka_topic": {"made": topic("made"), "waiting": topic("waiting")}}})
    deployment = deployment_of(killed)
    plan = deployment.plan()
    assert {change.address: change.kind for change in plan.stack("one").changes} == {
        "kafka_topic.made": "import",
        "kafka_topic.waiting": "create",
    }
    (finding,) = [each for _, each in plan.findings]
    assert (finding.severity, finding.address) == ("warn", "kafka_topic.made")
    assert finding.message.startswith("left behind: `infra apply` of 20")
    assert finding.message.endswith(" was stopped while it created this; it exists, and no state knew it")
    (result,) = deployment.apply(plan).stacks
    assert (result.imported, result.added) == (1, 1)
    assert store.count() == 2 and sorted(held(killed)) == ["kafka_topic.made", "kafka_topic.waiting"]
    assert not (killed.folder("one") / "journal.jsonl").exists()
    again = deployment_of(killed).plan()
    assert not again.has_changes and again.findings == ()
    store.close()


def test_what_began_and_was_never_made_is_created_as_if_nothing_had_happened(killed: Workbench) -> None:
    store = Store(killed.root / "objects.sqlite")
    store.remove("kafka_topic", "made")
    killed.sources.clear()
    killed.stack("one", {"resource": {"kafka_topic": {"made": topic("made")}}})
    deployment = deployment_of(killed)
    plan = deployment.plan()
    assert plan.counts == {"create": 1} and plan.findings == ()
    deployment.apply(plan)
    assert store.count() == 1 and held(killed) == ["kafka_topic.made"]
    store.close()


def test_a_destroy_says_that_it_does_not_know_what_was_left_behind(killed: Workbench) -> None:
    plan = deployment_of(killed).plan(destroy=True)
    (finding,) = [each for _, each in plan.findings]
    assert finding.message.endswith("was stopped while it created this, and no state knows it: it stays if it exists")
    assert finding.do == "run `infra deploy` first, which takes it over, and destroy then; or delete it by hand"


def cut(bench: Workbench, half: bool = False) -> None:
    """The state as a kill leaves it that comes between Terraform's emptying the file and its writing."""
    state = bench.folder("one") / "terraform.tfstate"
    state.write_bytes(state.read_bytes()[:100] if half else b"")


def killed_while_writing(bench: Workbench, *added: str) -> EnvironmentPlan:
    """One topic is deployed; more are made, and the kill comes in the middle of a state's writing."""
    bench.stack("one", {"resource": {"kafka_topic": {"first": topic("first")}}})
    deployment = deployment_of(bench)
    deployment.apply(deployment.plan())
    bench.stack("one", {"resource": {"kafka_topic": {name: topic(name) for name in ("first", *added)}}})
    deployment = deployment_of(bench)
    plan = deployment.plan()
    deployment.apply(plan)
    folder = bench.folder("one")
    backup = sorted((folder / "backups").glob("*[0-9].tfstate"))[-1]
    journal = Journal(folder, plan.stack("one"), "infra deploy", ["kafka_topic.first"], backup)
    for name in added:
        journal.take(step("apply_start", f"kafka_topic.{name}"))
    return plan


@pytest.mark.parametrize("half", [False, True])
def test_a_state_that_a_kill_cut_off_is_put_back_and_what_was_made_since_taken_over(
    bench: Workbench, half: bool
) -> None:
    killed_while_writing(bench, "second", "third")
    cut(bench, half)
    deployment = deployment_of(bench)
    plan = deployment.plan()
    assert {change.address: change.kind for change in plan.stack("one").changes} == {
        "kafka_topic.second": "import",
        "kafka_topic.third": "import",
    }
    assert any("the state was cut off when `infra deploy` of 20" in note for note in bench.progress.notes)
    deployment.apply(plan)
    assert sorted(held(bench)) == ["kafka_topic.first", "kafka_topic.second", "kafka_topic.third"]
    assert not deployment_of(bench).plan().has_changes


def test_a_first_state_that_a_kill_cut_off_is_begun_anew(bench: Workbench) -> None:
    bench.stack("one", {"resource": {"kafka_topic": {"first": topic("first")}}})
    deployment = deployment_of(bench)
    plan = deployment.plan()
    deployment.apply(plan)
    Journal(bench.folder("one"), plan.stack("one"), "infra deploy", ()).take(step("apply_start", "kafka_topic.first"))
    cut(bench, half=True)
    deployment = deployment_of(bench)
    plan = deployment.plan()
    assert plan.counts == {"import": 1}
    deployment.apply(plan)
    assert held(bench) == ["kafka_topic.first"]


def test_a_malformed_state_that_no_apply_was_cut_off_over_is_a_persons_to_mend(bench: Workbench) -> None:
    bench.stack("one", {"resource": {"kafka_topic": {"first": topic("first")}}})
    deployment = deployment_of(bench)
    deployment.apply(deployment.plan())
    cut(bench, half=True)
    with pytest.raises(PlanError, match="the state file is malformed"):
        deployment_of(bench).plan()


# --- the file ---


def planned(*changes: tuple[str, str, dict[str, Any]]) -> StackPlan:
    return StackPlan(
        "one",
        changes=tuple(Change(address, kind, address, "create", after=values) for address, kind, values in changes),
    )


def step(name: Any, address: str) -> ResourceEvent:
    return ResourceEvent(name, address, "create")


THREE = planned(
    ("kafka_topic.a", "kafka_topic", {"name": "a"}),
    ("kafka_topic.b", "kafka_topic", {"name": "b"}),
    ("aws_vpc.main", "aws_vpc", {"cidr_block": "10.0.0.0/16"}),
)


def test_only_what_began_and_no_state_holds_is_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path, THREE, "infra deploy --env dev", ())
    assert unfinished(tmp_path, ()) is None
    journal.take(step("apply_start", "kafka_topic.a"))
    journal.take(step("apply_complete", "kafka_topic.a"))
    journal.take(step("apply_start", "aws_vpc.main"))
    found = unfinished(tmp_path, ())
    assert found and found.command == "infra deploy --env dev"
    assert [(each.address, each.id) for each in found.began] == [("kafka_topic.a", "a"), ("aws_vpc.main", None)]
    found = unfinished(tmp_path, ["kafka_topic.a"])
    assert found and [each.address for each in found.began] == ["aws_vpc.main"]
    assert stat.S_IMODE((tmp_path / "journal.jsonl").stat().st_mode) == 0o600
    journal.close(["kafka_topic.a", "aws_vpc.main"])
    assert not (tmp_path / "journal.jsonl").exists()


def test_a_journal_whose_creations_all_reached_the_state_is_taken_away_by_the_next_plan(bench: Workbench) -> None:
    bench.stack("one", {"resource": {"kafka_topic": {"made": topic("made")}}})
    deployment = deployment_of(bench)
    plan = deployment.plan()
    deployment.apply(plan)
    # As a kill leaves it that comes after the last state write.
    Journal(bench.folder("one"), plan.stack("one"), "infra deploy", ()).take(step("apply_start", "kafka_topic.made"))
    assert not deployment_of(bench).plan().has_changes
    assert not (bench.folder("one") / "journal.jsonl").exists()


def test_a_refused_creation_is_asked_about_only_where_an_import_can_tell(tmp_path: Path) -> None:
    # Kafka may have made the topic and answered too late; of a VPC nothing could be found out anyway.
    journal = Journal(tmp_path, THREE, "infra deploy", ())
    for address in ("kafka_topic.a", "aws_vpc.main"):
        journal.take(step("apply_start", address))
        journal.take(step("apply_errored", address))
    journal.close(())
    found = unfinished(tmp_path, ())
    assert found and [each.address for each in found.began] == ["kafka_topic.a"]


def test_what_terraform_did_after_infra_was_killed_is_read_from_its_log(tmp_path: Path) -> None:
    Journal(tmp_path, THREE, "infra deploy", ())
    line = {"type": "apply_start", "hook": {"resource": {"addr": "kafka_topic.b"}, "action": "create"}}
    (tmp_path / "apply.log").write_text(json.dumps(line) + '\n{"type": "apply_start", "ho')
    found = unfinished(tmp_path, ())
    assert found and [each.address for each in found.began] == ["kafka_topic.b"]


def test_after_a_power_cut_all_that_was_listed_may_have_begun(tmp_path: Path) -> None:
    Journal(tmp_path, THREE, "infra deploy", ())
    path = tmp_path / "journal.jsonl"
    head, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(head), "boot": 1}), *rest]))
    found = unfinished(tmp_path, ["kafka_topic.b"])
    assert found and [each.address for each in found.began] == ["kafka_topic.a", "aws_vpc.main"]


def test_what_a_provider_called_an_object_in_its_answer_is_tried_where_nothing_else_is_known(tmp_path: Path) -> None:
    Journal(tmp_path, THREE, "infra deploy", ())
    lines = [
        {"type": kind, "hook": {"resource": {"addr": "aws_vpc.main"}, "action": "create", **more}}
        for kind, more in (("apply_start", {}), ("apply_complete", {"id_key": "id", "id_value": "vpc-1"}))
    ]
    (tmp_path / "apply.log").write_text("\n".join(json.dumps(line) for line in lines))
    found = unfinished(tmp_path, ())
    assert found and [(each.id, each.told) for each in found.began] == [("vpc-1", False)]


def test_a_line_cut_short_and_a_foreign_file_are_no_obstacle(tmp_path: Path) -> None:
    journal = Journal(tmp_path, THREE, "infra deploy", ())
    journal.take(step("apply_start", "kafka_topic.a"))
    path = tmp_path / "journal.jsonl"
    path.write_text(path.read_text() + '{"began": "kafka_to')
    found = unfinished(tmp_path, ())
    assert found and [each.address for each in found.began] == ["kafka_topic.a"]
    path.write_bytes(b"\xff\x00 not ours\n[1]\n3\n")
    assert unfinished(tmp_path, ()) is None


def test_the_next_journal_carries_on_what_the_last_one_still_tells(tmp_path: Path) -> None:
    journal = Journal(tmp_path, THREE, "infra deploy", ())
    journal.take(step("apply_start", "aws_vpc.main"))
    Journal(tmp_path, planned(("kafka_topic.c", "kafka_topic", {"name": "c"})), "infra deploy", ())
    found = unfinished(tmp_path, ())
    assert found and [each.address for each in found.began] == ["aws_vpc.main"]


def test_no_sensitive_value_reaches_the_journal(tmp_path: Path) -> None:
    plan = planned(("kafka_topic.a", "kafka_topic", {"name": SENSITIVE, "config": {"x": "plain"}}))
    Journal(tmp_path, plan, "infra deploy", ())
    (entry,) = [json.loads(line)["create"] for line in (tmp_path / "journal.jsonl").read_text().splitlines()[1:]]
    assert entry == {"address": "kafka_topic.a", "type": "kafka_topic", "id": None}


# --- ids ---


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("kafka_topic", {"name": "orders"}, "orders"),
        ("schemaregistry_schema", {"subject": "orders-value"}, "orders-value"),
        ("snowflake_table", {"database": "D", "schema": "S", "name": "T"}, "D|S|T"),
        ("snowflake_schema", {"database": "D", "name": "S"}, '"D"."S"'),
        ("confluent_kafka_topic", {"kafka_cluster": [{"id": "lkc-1"}], "topic_name": "orders"}, "lkc-1/orders"),
        ("confluent_kafka_topic", {"kafka_cluster": [], "topic_name": "orders"}, None),
        ("aws_ecs_service", {"cluster": "arn:aws:ecs:r:1:cluster/main", "name": "web"}, "main/web"),
        (
            "aws_glue_schema",
            {"registry_arn": "arn:aws:glue:r:1:registry/reg", "schema_name": "s"},
            "arn:aws:glue:r:1:schema/reg/s",
        ),
        ("aws_vpc", {"cidr_block": "10.0.0.0/16"}, None),
        ("kafka_acl", {"acl_principal": "User:x"}, None),
        ("kafka_topic", {"name": None}, None),
        ("kafka_topic", None, None),
    ],
)
def test_an_id_is_told_from_planned_values(kind: str, values: dict[str, Any] | None, expected: str | None) -> None:
    assert import_id(kind, values) == expected


def test_every_type_of_the_bundled_plugins_is_in_the_table() -> None:
    from modules.local.plugins.kafka.provider import KafkaProvider
    from modules.local.plugins.kafkaconnect.provider import KafkaConnectProvider
    from modules.local.plugins.schemaregistry.provider import SchemaRegistryProvider
    from modules.local.plugins.snowflake.provider import SnowflakeProvider

    kinds = [
        kind
        for provider in (KafkaProvider, KafkaConnectProvider, SchemaRegistryProvider, SnowflakeProvider)
        for kind in provider().resources
    ]
    assert [kind for kind in kinds if not is_listed(kind)] == []
