"""Guards on the command line, over real plans of real Terraform with simulated providers.

One small environment is deployed once; each test changes its YAML and plans.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.guards.support import REAL

YAML = """\
platform: confluent
confluent: {tier: basic, region: us-east-1}
smoke: {own: false}
topics:
  orders: {partitions: 6, key: order_id, value: {schema: schemas/order_events.avsc, compatibility: BACKWARD}}
  metrics: {partitions: 3, retention: 30d}
"""
METRICS = 'confluent_kafka_topic.topic["metrics"]'

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("guarded")
    shutil.copytree(REAL / "schemas", root / "environments" / "schemas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFRA_PROJECT", str(root))
        patch.setenv("INFRA_CACHE", str(root / "cache"))
        patch.delenv("INFRA_TERRAFORM", raising=False)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        (root / "environments" / "dev.yaml").write_text(YAML)
        assert main(["deploy", "--env", "dev", "--offline", "--yes"]) == 0
        yield root


@pytest.fixture
def run(deployed: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run({old: new}, "plan", …)`: exit code, stdout and stderr, with these places of the YAML changed."""

    def call(changes: dict[str, str], *arguments: str) -> tuple[int, str, str]:
        text = YAML
        for old, new in changes.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (deployed / "environments" / "dev.yaml").write_text(text)
        capsys.readouterr()
        code = main([*arguments, "--env", "dev", "--offline"])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_topic_is_not_deleted_until_its_address_is_named(run: Run) -> None:
    gone = {"  metrics: {partitions: 3, retention: 30d}\n": ""}
    code, out, err = run(gone, "deploy", "--yes")
    assert code == 1 and "error: environment dev: guard data-loss refuses the plan; nothing was touched" in err
    assert f"data-loss: topics {METRICS}: holds data: it will be deleted, its messages are lost" in err
    assert f"--allow-destroy '{METRICS}'" in err and "Traceback" not in err
    assert "data-loss" in out and "dev: deployed" not in out

    code, out, _ = run(gone, "plan", "--allow-destroy", METRICS, "--allow-destroy", "kafka_topic.nothing")
    assert code == 2
    assert "--allow-destroy kafka_topic.nothing: the plan neither deletes nor changes that" in out


def test_a_real_plan_is_refused_by_each_guard_it_concerns_and_the_json_says_so(run: Run) -> None:
    changes = {
        "partitions: 6": "partitions: 12",
        "30d": "3d",
        "BACKWARD": "NONE",
        "smoke:": "budget: {monthly: 1 USD}\nsmoke:",
    }
    code, out, err = run(changes, "plan", "--json")
    assert code == 1 and "3 guards refuse the plan; nothing was touched" in err
    guards = json.loads(out)["guards"]
    assert guards["refused"] is True and guards["counts"] == {"refuse": 3, "warn": 1, "waived": 0}
    said = {each["id"]: each["message"] for each in guards["results"]}
    assert said["retention-reduced"].startswith("topic metrics: retention.ms goes from 30d to 3d")
    assert said["compatibility-lowered"].startswith("orders-value: compatibility goes from BACKWARD to NONE")
    assert said["budget"].endswith("the budget is $1.00")
    assert said["keys-moved"].startswith("topic orders: 12 instead of 6 partitions move keys (`order_id`)")


def test_a_hook_that_raises_refuses_the_apply_and_names_its_line(run: Run, deployed: Path) -> None:
    (deployed / "guards").mkdir()
    (deployed / "guards" / "own.py").write_text("def check(plan, environment):\n    return plan['nothing']\n")
    changes = {"30d": "40d", "smoke:": "guards: {hooks: ['guards/own.py:check']}\nsmoke:"}
    code, _, err = run(changes, "deploy", "--yes")
    assert code == 1
    assert "hook-failed: guards/own.py:2: `check` raised KeyError: 'nothing', so the plan is refused" in err
    assert "Traceback" not in err and "defect" not in err
