"""`infra import --cluster env-…/lkc-…`: Confluent's API is asked, YAML shown and written, the cluster taken over."""

from __future__ import annotations

from typing import Any

import pytest

from modules.adoption import confluent
from modules.project import Project
from tests.adoption.confluent_server import KEY, SECRET, cluster, environment, serving
from tests.adoption.conftest import Run
from tests.platforms.rehearsal import Answer

ID = "env-1jrymj/lkc-19ynpv"
CLUSTER = "/cmk/v2/clusters/lkc-19ynpv?environment=env-1jrymj"
OUTER = "/org/v2/environments/env-1jrymj"
NETWORK = "/networking/v1/networks/n-123abc?environment=env-1jrymj"
ATTACHMENTS = "/networking/v1/private-link-attachments?environment=env-1jrymj&spec.region=eu-central-1"


@pytest.fixture(autouse=True)
def _key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENT_CLOUD_API_KEY", KEY)
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", SECRET)


def adopt(run: Run, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], *more: str, env: str = "live") -> Answer:
    with serving(answers) as (address, _):
        monkeypatch.setattr(confluent, "API", address)
        return run("import", "--env", env, "--cluster", ID, *more)


def test_a_standard_cluster_is_shown_then_written_then_planned_without_a_replacement(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {OUTER: environment(), CLUSTER: cluster("Standard", config={"kind": "Standard", "max_ecku": 4})}
    file = project.environments / "live.yaml"

    shown = adopt(run, monkeypatch, answers)
    assert (shown.code, file.exists()) == (2, False), shown.err
    assert "+  tier: standard" in shown.out
    assert "service accounts and API keys: new ones are made" in shown.out
    assert f"→ cluster: confluent_kafka_cluster.main  (id {ID})" in shown.out

    written = adopt(run, monkeypatch, answers, "--write", "--yes", "--offline")
    assert written.code == 0, written.err
    assert file.read_text() == (
        "# yaml-language-server: $schema=schema.json\n"
        f"# What runs as {ID}; change it and deploy, as any other environment.\n"
        "extends: base\n"
        "platform: confluent\n"
        "confluent:\n"
        "  tier: standard # Basic can become Standard; every other change is another cluster\n"
        "  region: eu-central-1 # a change replaces the cluster\n"
        "  availability: low # a change replaces the cluster\n"
        "  max_ecku: 4 # how far it may scale by itself\n"
        "  stream_governance: essentials\n"
        "  deletion_protection: true\n"
        "  adopted:\n"
        "    environment_name: Orders (old)\n"
        "    cluster_name: orders live\n"
    )
    planned = run("plan", "--env", "live", "--offline", "--json")
    assert planned.code == 2, planned.err
    kinds = planned.changes
    assert kinds["cluster: confluent_environment.main"] == "import"
    assert kinds["cluster: confluent_kafka_cluster.main"] == "import"
    assert set(kinds.values()) == {"import", "create"}


@pytest.mark.soak
def test_a_cluster_that_was_taken_over_is_deployed_and_there_is_nothing_left_to_import(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {OUTER: environment(), CLUSTER: cluster("Standard", config={"kind": "Standard", "max_ecku": 4})}
    assert adopt(run, monkeypatch, answers, "--write", "--yes", "--offline").code == 0
    deployed = run("deploy", "--env", "live", "--offline", "--yes")
    assert deployed.code == 0, deployed.err
    assert run("plan", "--env", "live", "--offline").code == 0
    again = adopt(run, monkeypatch, answers, "--write", "--yes", "--offline", "--json")
    assert (again.code, again.json["imports"], again.json["diff"]) == (0, {}, ""), again.err


def test_the_rehearsal_would_show_a_replacement(run: Run, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above can fail: a file that says another region than the cluster's."""
    answers = {OUTER: environment(), CLUSTER: cluster("Standard")}
    assert adopt(run, monkeypatch, answers, "--write", "--yes", "--offline").code == 0
    file = project.environments / "live.yaml"
    file.write_text(
        file.read_text().replace("eu-central-1", "us-east-1").replace("protection: true", "protection: false")
    )
    planned = run("plan", "--env", "live", "--offline", "--json")
    assert "replace" in planned.changes["cluster: confluent_kafka_cluster.main"], planned.err


@pytest.mark.parametrize(
    ("answers", "lines", "left"),
    [
        (
            {
                CLUSTER: cluster(
                    "Dedicated",
                    {"cku": 2},
                    availability="MULTI_ZONE",
                    config={"kind": "Dedicated", "cku": 2, "zones": ["euc1-az1", "euc1-az2", "euc1-az3"]},
                    network={"id": "n-123abc"},
                    byok={"id": "cck-lye5m"},
                ),
                NETWORK: {"id": "n-123abc", "spec": {"connection_types": ["TRANSITGATEWAY"]}},
            },
            {"tier: dedicated", "cku: 2", "availability: multi-zone", "networking: peering", "network: n-123abc"},
            {"n-123abc, by which the cluster is reached", "the encryption key cck-lye5m"},
        ),
        (
            {
                CLUSTER: cluster("Enterprise", availability="HIGH"),
                ATTACHMENTS: {"data": [{"id": "platt-abc123", "spec": {"region": "eu-central-1"}}]},
            },
            {"tier: enterprise", "availability: high", "network: platt-abc123"},
            {"platt-abc123, by which the cluster is reached"},
        ),
    ],
)
def test_what_a_private_cluster_is_reached_by_stays_its_owners(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    project: Project,
    answers: dict[str, Any],
    lines: set[str],
    left: set[str],
) -> None:
    ran = adopt(
        run, monkeypatch, {OUTER: environment("ADVANCED"), **answers}, "--write", "--yes", "--offline", "--json"
    )
    assert ran.code == 0, ran.err
    text = {line.split(" #")[0].strip() for line in (project.environments / "live.yaml").read_text().splitlines()}
    assert lines | {"stream_governance: advanced"} <= text
    assert all(any(each in said for said in ran.json["left"]) for each in left), ran.json["left"]
    planned = run("plan", "--env", "live", "--offline", "--json")
    ours = {address: kind for address, kind in planned.changes.items() if address.startswith("cluster: confluent_")}
    assert [kind for kind in ours.values() if kind not in ("create", "import")] == [], planned.err
    assert not [each for each in ours if "confluent_network" in each or "private_link" in each]


def test_a_file_that_is_there_keeps_its_comments_and_is_changed_only_when_asked(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.environments / "live.yaml"
    before = (
        "# ours\nextends: base\nplatform: confluent # since spring\n"
        "confluent: {tier: dedicated, cku: 2, region: eu-central-1}\nbudget: {monthly: 300 USD}\n"
    )
    file.write_text(before)
    answers = {OUTER: environment(), CLUSTER: cluster("Basic")}
    shown = adopt(run, monkeypatch, answers)
    assert shown.code == 2 and file.read_text() == before
    assert "-confluent: {tier: dedicated, cku: 2, region: eu-central-1}" in shown.out
    refused = adopt(run, monkeypatch, answers, "--write")
    assert refused.code == 1 and "there is nobody to confirm" in refused.err and file.read_text() == before
    assert adopt(run, monkeypatch, answers, "--write", "--yes", "--offline").code == 0
    after = file.read_text()
    assert "# ours\n" in after and "platform: confluent # since spring\n" in after and "budget:" in after
    assert "cku" not in after


def test_without_rehearsal_the_real_state_waits_for_it_and_nothing_is_logged_in_to(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {OUTER: environment(), CLUSTER: cluster("Standard")}
    ran = adopt(run, monkeypatch, answers, "--write", "--yes", "--json")
    assert ran.code == 0, ran.err
    waiting = (project.environment_state("live") / "cluster" / "infra_import.tf.json").read_text()
    assert ID in waiting and SECRET not in waiting and SECRET not in ran.out + ran.err


def test_what_cannot_be_taken_over_is_said(run: Run, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = adopt(run, monkeypatch, {OUTER: environment(), CLUSTER: cluster("Basic", cloud="GCP")})
    assert "error: env-1jrymj/lkc-19ynpv: the cluster runs in GCP; here Confluent Cloud runs in AWS" in elsewhere.err
    unready = adopt(run, monkeypatch, {OUTER: environment(), CLUSTER: cluster("Basic", {"phase": "PROVISIONING"})})
    assert "it is PROVISIONING" in unready.err
    missing = adopt(run, monkeypatch, {})
    assert "there is no such environment or cluster" in missing.err
    monkeypatch.setenv("CONFLUENT_CLOUD_API_SECRET", "wrong")
    refused = adopt(run, monkeypatch, {})
    assert "the Cloud API key is wrong" in refused.err and "wrong-" not in refused.err
    assert [each.code for each in (elsewhere, unready, missing, refused)] == [1, 1, 1, 1]


def test_half_an_address_other_words_and_redpanda_are_refused(run: Run, project: Project) -> None:
    half = run("import", "--env", "live", "--cluster", "lkc-19ynpv")
    assert half.code == 1 and "write both ids" in half.err
    word = run("import", "--env", "live", "--cluster", "orders")
    assert word.code == 1 and "neither a cluster of Confluent Cloud nor of Amazon MSK" in word.err
    (project.environments / "panda.yaml").write_text("extends: base\nplatform: redpanda\n")
    panda = run("import", "--env", "panda", "--cluster", "orders")
    assert panda.code == 1, panda.out
    assert "error: environments/panda.yaml: a Redpanda cluster that was not made here cannot be taken over" in panda.err
    assert "`infra import --env panda` without --cluster" in panda.err
