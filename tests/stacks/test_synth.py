from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.local.endpoints import LocalEndpoints, record_file
from modules.platforms import platform_for
from modules.project import Project
from modules.terraform.source import StackSource, planned_creations
from stacks import synth

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "environments", root / "environments")
    project = Project(root)
    record_file(project).parent.mkdir(parents=True)
    endpoints = LocalEndpoints("127.0.0.1:9092", "http://127.0.0.1:8081/apis/ccompat/v7", "127.0.0.1", 8085)
    record_file(project).write_text(endpoints.dump())
    return project


@pytest.fixture(scope="module")
def sources(project: Project) -> dict[str, StackSource]:
    environment = load_environment(project, "local")
    platform = platform_for(environment, project)
    return {source.name: source for source in synth(environment, project, platform, project.root / "out")}


def document(source: StackSource) -> dict[str, Any]:
    return json.loads(source.json_path.read_text())


def addresses(source: StackSource) -> list[str]:
    return sorted(change.address for change in planned_creations(document(source)))


def test_there_are_four_stacks_in_the_order_of_their_needs(sources: dict[str, StackSource]) -> None:
    assert list(sources) == ["cluster", "topics", "warehouse", "connect"]
    assert sources["topics"].upstream == ("cluster",)
    assert sources["warehouse"].upstream == ()
    assert set(sources["connect"].upstream) == {"cluster", "topics", "warehouse"}


def test_every_input_is_an_output_of_the_stack_it_names(sources: dict[str, StackSource]) -> None:
    for source in sources.values():
        for variable, (stack, output) in source.inputs.items():
            assert variable in document(source)["variable"]
            assert output in document(sources[stack])["output"]


def test_the_topics_stack_declares_what_the_yaml_says(sources: dict[str, StackSource]) -> None:
    found = document(sources["topics"])
    topic = found["locals"]["kafka_topic_topic"]["order-events"]
    assert topic["partitions"] == 6
    assert topic["config"]["retention.ms"] == str(30 * 86_400_000)
    assert {'kafka_topic.topic["order-events"]', 'kafka_topic.topic["order-events.dlq"]'} <= set(
        addresses(sources["topics"])
    )
    subject = found["locals"]["schemaregistry_schema_value"]["order-events-value"]
    assert subject["compatibility"] == "BACKWARD"
    assert json.loads(subject["schema"])["name"] == "OrderEvent"


def test_the_warehouse_stack_declares_the_estate(sources: dict[str, StackSource]) -> None:
    found = document(sources["warehouse"])
    assert set(found["resource"]) == {
        "snowflake_account_role",
        "snowflake_database",
        "snowflake_database_role",
        "snowflake_grant_account_role",
        "snowflake_grant_database_role",
        "snowflake_grant_privileges_to_account_role",
        "snowflake_grant_privileges_to_database_role",
        "snowflake_resource_monitor",
        "snowflake_schema",
        "snowflake_service_user",
        "snowflake_table",
        "snowflake_view",
        "snowflake_warehouse",
    }
    user = found["locals"]["snowflake_service_user_service_user"]["SVC_KAFKA_CONNECTOR"]
    assert user["role"] == "KAFKA_CONNECTOR" and len(user["key"]) > 300
    before = {"from": "snowflake_warehouse.warehouse", "to": 'snowflake_warehouse.warehouse["STREAMING_WH"]'}
    assert found["moved"] == [before], "what an older version made is not made anew"


def test_secrets_are_ephemeral_variables_and_nowhere_in_the_json(
    sources: dict[str, StackSource], project: Project
) -> None:
    for name, variable in (("topics", "kafka_admin_password"), ("warehouse", "snowflake_admin_private_key")):
        declared = document(sources[name])["variable"][variable]
        assert declared["ephemeral"] and declared["sensitive"] and "default" not in declared
    assert not any("PRIVATE KEY" in source.json_path.read_text() for source in sources.values())


def test_the_connectors_key_is_made_once_and_kept_private(project: Project, sources: dict[str, StackSource]) -> None:
    key = project.environment_state("local") / "secrets" / "svc-kafka-connector.p8"
    before = key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    environment = load_environment(project, "local")
    synth(environment, project, platform_for(environment, project), project.root / "again")
    assert key.read_bytes() == before


def test_the_stacks_synthesise_the_same_with_cdktn(project: Project, sources: dict[str, StackSource]) -> None:
    """The switch to cdktf's continuation is the one import in `modules/cdk.py`."""
    copy = project.root / "switched"
    for folder in ("modules", "stacks"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    module = copy / "modules" / "cdk.py"
    text = module.read_text()
    assert text.count("from cdktf import") == 1
    module.write_text(text.replace("from cdktf import", "from cdktn import"))
    program = (
        "import sys, pathlib\n"
        "from modules.project import Project\n"
        "from modules.environment import load_environment\n"
        "from modules.platforms import platform_for\n"
        "from stacks import synth\n"
        "project = Project(pathlib.Path(sys.argv[1]))\n"
        "environment = load_environment(project, 'local')\n"
        "synth(environment, project, platform_for(environment, project), pathlib.Path(sys.argv[2]))\n"
        "assert 'cdktn' in sys.modules and 'cdktf' not in sys.modules\n"
    )
    out = project.root / "out-cdktn"
    subprocess.run(
        [sys.executable, "-c", program, str(project.root), str(out)],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        check=True,
        timeout=120,
    )
    for name, source in sources.items():
        switched = json.loads((out / "stacks" / name / "cdk.tf.json").read_text())
        assert {**switched, "//": None} == {**document(source), "//": None}
