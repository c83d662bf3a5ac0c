"""1,000 topics created through the bundled plugin, beside what Terraform and the AdminClient each need alone.

With its state in a file Terraform writes all of it again after every resource, so its own share grows with the square
of their number; `infra` serves it the state of a run of this size (`modules/terraform/state_server.py`), and both are
measured, each beside as many resources that do nothing (`terraform_data`). ACLs come on top in an environment, three a
topic, which is what the last figure is about.

`infra` runs Terraform with `-parallelism=32` (`cli/_deployment.py`): the plugin gathers what arrives together into one
request, so more at once means fewer requests, while each further creation under way costs Terraform and the plugin a
thread's work on the same processors. Other values are measured beside it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.process import BenchError, cpu_seconds, run
from bench.project import BenchProject, local_platform
from cli._deployment import PARALLELISM

__all__ = ["bench"]

TOPICS = 1_000
IN_AN_ENVIRONMENT = 200
OTHERS = (1, 10, 128)
"""Other values of Terraform's `-parallelism`; 10 is its default."""
OFFICIAL_SECONDS = 105.0
"""The official plugin on a local broker, from the project's design document."""

_APPLY = ("apply", "-auto-approve", "-input=false", "-no-color")


def bench() -> Iterator[Figure]:
    with local_platform(deployed=False) as project, tempfile.TemporaryDirectory(prefix="infra-bench-") as folder:
        work = Path(folder)
        # A broker that has made no topic yet, and a plugin not read from the disk yet, are no measure of either.
        _apply(work / "warm", _topics(project, "warm", 50), project)
        before = cpu_seconds()
        plugin = _apply(work / "plugin", _topics(project, "plugin"), project)
        plugin_work = cpu_seconds() - before
        if len(there := _existing(project)) != TOPICS:
            raise BenchError(f"{len(there):,} of {TOPICS:,} topics are there after the apply")
        chosen = f"-parallelism={PARALLELISM}"
        yield Figure(
            "topics", f"{TOPICS:,} topics: apply through the bundled plugin", plugin, "s", "≤ 12 s", note=chosen
        )
        again = _terraform(work / "plugin", project, *_APPLY, chosen)
        yield Figure("topics", f"{TOPICS:,} topics: the same apply again", again, "s", note="nothing to change")
        for other in OTHERS:
            slower = _apply(work / f"at-{other}", _topics(project, f"at-{other}"), project, other)
            yield Figure(
                "topics", f"{TOPICS:,} topics: apply at another parallelism", slower, "s", note=f"-parallelism={other}"
            )
        in_file = _apply(work / "file", _topics(project, "file"), project, served=False)
        yield Figure("topics", f"{TOPICS:,} topics: apply, the state in a file", in_file, "s", note=chosen)
        yield Figure("topics", "state in a file beside state served", in_file / plugin, "×")
        before = cpu_seconds()
        floor = _apply(work / "floor", _nothing(), project)
        floor_work = cpu_seconds() - before
        floor_file = _apply(work / "floor-file", _nothing(), project, served=False)
        name = f"{TOPICS:,} resources that do nothing: apply"
        yield Figure("topics", name, floor, "s", note=f"Terraform itself; the state in a file: {floor_file:.2f} s")
        note = f"{plugin_work:.1f} s and {floor_work:.1f} s of processor time"
        yield Figure("topics", "plugin beside Terraform itself", plugin / floor, "×", note=note)
        alone = _admin_alone(project)
        yield Figure("topics", f"{TOPICS:,} topics: AdminClient alone", alone, "s", note="one request, other names")
        yield Figure("topics", "official plugin", OFFICIAL_SECONDS, "s", note="from the design", reference=True)
        project.write_topics("many", IN_AN_ENVIRONMENT)
        deployed = project.infra("deploy", "--env", "many", "--yes")
        name = f"{IN_AN_ENVIRONMENT} topics with their ACLs: whole infra deploy"
        yield Figure("topics", name, deployed.seconds, "s", note="synth, plan, all stacks")


def _apply(
    folder: Path,
    document: Mapping[str, Any],
    project: BenchProject,
    parallelism: int = PARALLELISM,
    *,
    served: bool = True,
) -> float:
    """Seconds of `terraform apply` on the JSON, the library's Terraform with the bundled plugins.

    Args:
        served: as `infra` runs it on a stack of this size; else with the state in a file, as Terraform does by itself.
    """
    from modules.local.plugins import write_mirror

    folder.mkdir()
    write_mirror(folder / "mirror")
    (folder / "main.tf.json").write_text(json.dumps(document))
    (folder / "terraform.rc").write_text("disable_checkpoint = true\n")
    if served:
        (folder / "infra_override.tf.json").write_text(json.dumps({"terraform": {"backend": {"http": {}}}}))
    _terraform(folder, project, "init", "-input=false", "-no-color", f"-plugin-dir={folder / 'mirror'}")
    return _terraform(folder, project, *_APPLY, f"-parallelism={parallelism}")


def _terraform(folder: Path, project: BenchProject, *arguments: str) -> float:
    from modules.terraform.command import base_environment, terraform_command

    command = terraform_command()
    variables = base_environment(command, folder / "terraform.rc", {"kafka_admin_password": _password(project)})
    return run([*command.prefix, *arguments], environment=variables, folder=folder).seconds


def _topics(project: BenchProject, prefix: str, count: int = TOPICS) -> dict[str, Any]:
    password = {"type": "string", "sensitive": True, "ephemeral": True}
    topic = {
        "for_each": "${local.topics}",
        "name": "${each.key}",
        "partitions": "${each.value.partitions}",
        "replication_factor": 1,
        "config": {"retention.ms": "604800000"},
    }
    return {
        "terraform": {"required_providers": {"kafka": {"source": "mongey/kafka"}}},
        "variable": {"kafka_admin_password": password},
        "provider": {
            "kafka": {
                "bootstrap_servers": [_settings(project)["bootstrap.servers"]],
                "tls_enabled": False,
                "sasl_mechanism": "scram-sha256",
                "sasl_username": "admin",
                "sasl_password": "${var.kafka_admin_password}",
            }
        },
        "locals": {"topics": {f"{prefix}-{number:05d}": {"partitions": 1} for number in range(count)}},
        "resource": {"kafka_topic": {"topic": topic}},
    }


def _nothing() -> dict[str, Any]:
    things = {f"bench-{number:05d}": {"partitions": 1} for number in range(TOPICS)}
    data = {"thing": {"for_each": "${local.things}", "input": "${each.value.partitions}"}}
    password = {"type": "string", "sensitive": True, "ephemeral": True}
    return {
        "variable": {"kafka_admin_password": password},
        "locals": {"things": things},
        "resource": {"terraform_data": data},
    }


def _settings(project: BenchProject) -> dict[str, Any]:
    from modules.environment import load_environment
    from modules.platforms import platform_for
    from modules.project import Project

    own = Project(project.root)
    return platform_for(load_environment(own, "local"), own).kafka_client("admin")


def _password(project: BenchProject) -> str:
    return str(_settings(project)["sasl.password"])


def _admin(project: BenchProject) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient(_settings(project))


def _existing(project: BenchProject) -> list[str]:
    """Those that are there; on a busy machine the broker learns a moment later what its controller has made."""
    admin, end = _admin(project), time.monotonic() + 30
    while True:
        found = [name for name in admin.list_topics(timeout=10).topics if name.startswith("plugin-")]
        if len(found) == TOPICS or time.monotonic() > end:
            return found
        time.sleep(0.2)


def _admin_alone(project: BenchProject) -> float:
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]

    admin = _admin(project)
    admin.list_topics(timeout=10)
    began = time.perf_counter()
    answers = admin.create_topics([NewTopic(f"alone-{number:05d}", 1, 1) for number in range(TOPICS)])
    for answer in answers.values():
        answer.result()
    return time.perf_counter() - began
