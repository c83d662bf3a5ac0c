"""`platform:` is the one line that moves a pipeline: what it is made of stays equal on all of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from modules.environment import Environment, load_environment
from modules.project import Project
from modules.topics import access_acls, schema_specs, sink_acls, topic_specs
from modules.warehouse.build import estate_of
from tests.platforms.conftest import Rehearse
from tests.platforms.rehearsal import Rehearsal

ROOT = Path(__file__).parents[2]
PLATFORMS = ("local", "confluent", "msk", "redpanda")


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Environment, Project]]:
    """One YAML on every platform; only the one line differs."""
    root = tmp_path_factory.mktemp("switch")
    shutil.copytree(ROOT / "environments", root / "environments")
    for platform in PLATFORMS:
        file = root / "environments" / f"on{platform}.yaml"
        file.write_text(f"extends: base\nplatform: {platform}\nconnect: {{kind: sink}}\ntags: {{owner: us}}\n")
    project = Project(root)
    return {platform: (load_environment(project, f"on{platform}"), project) for platform in PLATFORMS}


def pipeline(environment: Environment, project: Project) -> dict[str, Any]:
    """What is to be the same everywhere. Replication is not: a laptop has one broker."""
    durability = ("min.insync.replicas",)
    topics = {
        spec.name: (spec.partitions, {key: value for key, value in spec.config if key not in durability})
        for spec in topic_specs(environment)
    }
    return {
        "topics": topics,
        "schemas": schema_specs(environment),
        "rights": [*access_acls(environment), *sink_acls(environment)],
        "estate": estate_of(environment, project.environments),
        "connector": environment.connect,
        "workload": environment.workload,
        "slo": environment.slo,
    }


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "local"])
def test_the_pipeline_is_the_same_as_on_the_laptop(
    moved: dict[str, tuple[Environment, Project]], platform: str
) -> None:
    here, there = pipeline(*moved["local"]), pipeline(*moved[platform])
    assert here["topics"] and here["rights"] and here["schemas"]
    for part, value in here.items():
        assert there[part] == value, part


def test_only_the_platform_differs_in_the_models(moved: dict[str, tuple[Environment, Project]]) -> None:
    for environment, _ in moved.values():
        other = environment.model_copy(update={"platform": "local", "name": "x", "source": "x"})
        first = moved["local"][0].model_copy(update={"name": "x", "source": "x"})
        assert other == first


MOVED = """error: environments/dev.yaml:2: `platform` is msk, but dev is deployed on confluent, and one cannot be \
turned into the other: nothing moves the events, and what is on confluent would be destroyed
{stacks}
  → put `platform: confluent` back; then either write an environment of its own for msk, bring the pipeline over \
(`infra promote --from dev --to NEW`), deploy it and move producers and consumers, or give up the events: \
`infra destroy --env dev --offline`, and change the line after that
"""


def test_the_line_alone_changed_under_a_deployed_environment_is_refused_with_what_is_there(
    rehearse: Rehearse,
) -> None:
    it = rehearse("confluent-basic-dev")
    assert it.deploy().code == 0
    it.change("platform: confluent", "platform: msk")
    stacks = []
    for stack in ("cluster", "topics", "warehouse", "connect"):
        held = addresses(it.project.root / f".infra/offline/env/dev/{stack}/terraform.tfstate")
        if stack == "cluster":
            held.remove("confluent_kafka_cluster.main")
            held.insert(0, "confluent_kafka_cluster.main")
        stacks.append(f"  stack {stack}: {len(held)} resources of it ({held[0]}, {held[1]} …)")
    expected = MOVED.format(stacks="\n".join(stacks))
    before = {path: path.read_bytes() for path in it.project.root.rglob("terraform.tfstate")}
    for answer in (it.plan(), it.deploy(), it.destroy()):
        assert answer.code == 1
        assert answer.err.endswith(expected), answer.err
    assert before == {path: path.read_bytes() for path in it.project.root.rglob("terraform.tfstate")}
    it.change("platform: msk", "platform: confluent")
    what_no_declared_provider_could_take_away_is_refused_too(it)


@pytest.mark.soak
def test_what_was_given_up_is_not_in_the_way(rehearse: Rehearse) -> None:
    it = rehearse("confluent-basic-dev")
    assert it.deploy().code == 0
    it.change("platform: confluent", "platform: msk")
    assert it.plan().code == 1
    it.change("platform: msk", "platform: confluent")
    assert it.plan().code == 0, "the line is back, and nothing has changed"
    assert it.destroy().code == 0
    it.change("platform: confluent", "platform: msk")
    assert it.plan().code == 2


def test_msk_is_told_from_redpanda_which_has_the_same_providers(rehearse: Rehearse) -> None:
    it = rehearse("msk-serverless-dev")
    assert it.deploy().code == 0
    it.file.write_text("extends: _common\nplatform: redpanda\n")
    refused = it.plan()
    assert refused.code == 1
    assert "error: environments/dev.yaml:2: `platform` is redpanda, but dev is deployed on msk" in refused.err


def what_no_declared_provider_could_take_away_is_refused_too(it: Rehearsal) -> None:
    file = it.project.root / ".infra/offline/env/dev/topics/terraform.tfstate"
    state = json.loads(file.read_text())
    foreign = 'provider["registry.terraform.io/mongey/kafka"]'
    state["resources"] += [
        {
            "mode": "managed",
            "type": "kafka_topic",
            "name": "old",
            "provider": foreign,
            "instances": [{"attributes": {}}],
        }
    ]
    file.write_text(json.dumps(state))
    for answer in (it.plan(), it.deploy(), it.destroy()):
        assert answer.code == 1
        assert answer.err.endswith(
            "error: environment dev: what is deployed belongs to providers that are no longer declared, so Terraform "
            "could neither read it nor take it away\n"
            "  stack topics: 1 resource of mongey/kafka (kafka_topic.old)\n"
            "  → put back the line of the YAML that was changed since the last deploy; what is named above goes by "
            "`infra destroy`, or by taking it out of the YAML while the rest of that line stays\n"
        ), answer.err


def addresses(state: Path) -> list[str]:
    found = []
    for resource in json.loads(state.read_text())["resources"]:
        for instance in resource["instances"] if resource["mode"] == "managed" else ():
            key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
            found.append(f"{resource['type']}.{resource['name']}{key}")
    return found


@pytest.mark.soak
def test_the_last_secret_in_aws_goes_while_its_provider_is_still_declared(rehearse: Rehearse) -> None:
    it = rehearse("confluent-basic-dev")
    it.change("tier: basic", "secrets: aws-sm, tier: basic")
    assert it.deploy().code == 0
    it.change("secrets: aws-sm", "secrets: file")
    planned = it.plan()
    gone = [address for address, kind in planned.changes.items() if kind == "delete" and "aws_" in address]
    assert planned.code == 2 and gone, planned.err
    assert it.deploy().code == 0
    assert it.plan().code == 0, "the next plan knows no AWS any more"


@pytest.mark.soak
def test_the_last_schemas_go_while_their_provider_is_still_declared(rehearse: Rehearse) -> None:
    it = rehearse("msk-serverless-dev")
    assert it.deploy().code == 0
    it.add("topics: {order-events: {value: null, key: null, sink: null}}")
    planned = it.plan()
    assert planned.code == 1 and "guard data-loss refuses the plan" in planned.err
    subjects = {kind for address, kind in planned.changes.items() if "schemaregistry_schema" in address}
    assert subjects == {"delete"}
    losing = [each["address"] for each in planned.json["guards"]["results"] if each["severity"] == "refuse"]
    allowed = [word for address in losing for word in ("--allow-destroy", address)]
    deployed = it.deploy(*allowed)
    assert deployed.code == 0, deployed.err
    assert it.plan().code == 0
