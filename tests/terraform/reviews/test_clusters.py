"""Reviews of clusters: what Confluent and MSK never make of one."""

from __future__ import annotations

from typing import Any

import pytest

from modules.terraform.plan import Finding
from tests.terraform.plans import entry, findings


def cluster(tier: str, **settings: Any) -> dict[str, Any]:
    tiers = {name: [] for name in ("basic", "standard", "enterprise", "freight", "dedicated")}
    return {"display_name": "streaming-dev", **tiers, tier: [settings]}


@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("standard", "basic"),
        ("basic", "dedicated"),
        ("standard", "dedicated"),
        ("dedicated", "standard"),
        ("standard", "enterprise"),
        ("enterprise", "freight"),
    ],
)
def test_another_type_of_cluster_is_refused_whatever_terraform_would_do(actions: list[str], old: str, new: str) -> None:
    finding = findings(entry("confluent_kafka_cluster", actions, cluster(old), cluster(new)))[0]
    assert finding.severity == "refuse"
    assert finding.message == (
        f"cluster streaming-dev cannot go from {old} to {new}: Confluent Cloud only changes basic to standard, in place"
    )
    assert f"keep {old}" in (finding.do or "")


def test_basic_becomes_standard_with_a_word_that_it_stays_so() -> None:
    (finding,) = findings(entry("confluent_kafka_cluster", ["update"], cluster("basic"), cluster("standard")))
    assert (finding.severity, finding.message) == (
        "warn",
        "cluster streaming-dev becomes standard, which cannot be undone",
    )


def test_a_larger_limit_or_more_units_are_nothing_to_talk_about_and_fewer_units_are() -> None:
    def change(old: Any, new: Any) -> list[Finding]:
        return findings(entry("confluent_kafka_cluster", ["update"], old, new))

    assert change(cluster("basic", max_ecku=1), cluster("basic", max_ecku=9)) == []
    assert change(cluster("dedicated", cku=2), cluster("dedicated", cku=3)) == []
    (finding,) = change(cluster("dedicated", cku=3), cluster("dedicated", cku=2))
    assert finding.severity == "warn" and "shrinks from 3 to 2 CKU" in finding.message


def msk(type_: str, version: str = "3.9.x") -> dict[str, Any]:
    nodes = [{"instance_type": type_}]
    return {"cluster_name": "streaming-dev-kafka", "broker_node_group_info": nodes, "kafka_version": version}


@pytest.mark.parametrize("actions", [["update"], ["delete", "create"]])
@pytest.mark.parametrize(("old", "new"), [("Standard", "Express"), ("Express", "Standard")])
def test_msk_brokers_never_change_their_type(actions: list[str], old: str, new: str) -> None:
    types = {"Standard": "kafka.m7g.large", "Express": "express.m7g.large"}
    finding = findings(entry("aws_msk_cluster", actions, msk(types[old]), msk(types[new])))[0]
    assert (finding.severity, finding.message) == (
        "refuse",
        f"cluster streaming-dev-kafka cannot go from {old} to {new} brokers: that takes a cluster of its own",
    )
    assert findings(entry("aws_msk_cluster", ["update"], msk("kafka.m7g.large"), msk("kafka.m7g.xlarge"))) == []


def test_an_msk_cluster_never_goes_from_zookeeper_to_kraft() -> None:
    old, new = msk("kafka.m7g.large", "3.9.x"), msk("kafka.m7g.large", "3.9.x.kraft")
    (finding,) = findings(entry("aws_msk_cluster", ["update"], old, new))
    assert finding.severity == "refuse" and "from ZooKeeper to KRaft" in finding.message
    assert findings(entry("aws_msk_cluster", ["update"], new, msk("kafka.m7g.large", "4.0.x.kraft"))) == []
