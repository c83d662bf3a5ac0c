"""A deploy that is killed at a chosen moment, and what has to hold after the next one.

Two ways to die. `group`: SIGKILL to the process group of `infra deploy`; Terraform, in a session of its own, lives on
and is waited for. `machine`: that group and every descendant at once, Terraform and its plugins included, as the end of
a container or a machine would do it; what a plugin had made by then may be in no state.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from modules.environment import load_environment
from modules.errors import PlanError
from modules.platforms import platform_for
from modules.terraform.events import ResourceEvent, parse_line
from modules.terraform.records import ProcessRecord
from modules.terraform.state import read_state
from tests.integration.program import Infra

Way = Literal["group", "machine"]
STACKS = ("cluster", "warehouse", "topics", "connect")


@dataclass(frozen=True)
class Kill:
    """What a kill met."""

    way: Way
    delay: float
    began: int
    """Creations that had begun, of all stacks."""
    unfinished: bool
    """A create had begun and a state was still to be written."""
    unknown: int = 0
    """Creations that were over and in no state when everything was dead."""
    cut_off: int = 0
    """States that it met in the middle of being written."""


class Storm:
    """An environment `local` of a project whose deploys are killed."""

    def __init__(self, infra: Infra, seed: int = 1) -> None:
        self.infra = infra
        self.random = random.Random(seed)
        self.topics: list[str] = []
        self.add("keep")

    @property
    def root(self) -> Path:
        return self.infra.project.environment_state("local")

    def add(self, *names: str) -> None:
        """Declare topics, each with a subject."""
        self.topics += names
        lines = [
            f"  {name}: {{partitions: 1, key: order_id, value: {{schema: schemas/order_events.avsc}}}}"
            for name in self.topics
        ]
        text = "platform: local\nwarehouse: {preset: order-events}\ntopics:\n" + "\n".join(lines) + "\n"
        (self.infra.project.environments / "local.yaml").write_text(text)

    def deploy(self) -> None:
        """The next deploy converges, by itself."""
        ran = self.infra("deploy", "--env", "local", "--yes")
        assert ran.code == 0, ran.err + ran.out

    def kill(self, way: Way, window: float) -> Kill | None:
        """Start a deploy and kill it at a random moment of the `window` seconds after its first create began.

        Returns:
            None when it was over before.
        """
        delay = self.random.uniform(0, window)
        for log in self.root.glob("*/apply.log"):
            log.unlink()
        run = subprocess.Popen(
            [str(Path(sys.executable).parent / "infra"), "deploy", "--env", "local", "--yes"],
            cwd=self.infra.project.root,
            env={**os.environ, "CI": "true", "INFRA_PROJECT": str(self.infra.project.root)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        began: set[tuple[str, str]] = set()
        end = None
        while run.poll() is None and (end is None or time.monotonic() < end):
            # A stack that is done takes its log away.
            began |= self.created("apply_start")
            if began and end is None:
                end = time.monotonic() + delay
            time.sleep(0.005)
        if run.poll() is not None:
            return None
        working = self.working()
        descendants = _all_below(run.pid) if way == "machine" else []
        os.killpg(run.pid, signal.SIGKILL)
        for each in descendants:
            each.suspend()  # so that none of them writes a state while others die
        for each in descendants:
            each.kill()
        run.wait()
        psutil.wait_procs(descendants, timeout=20)
        done = self.created("apply_complete")
        held = self.held()
        return Kill(
            way, round(delay, 2), len(began), bool(working), sum(1 for each in done if each not in held), self.cut_off()
        )

    def created(self, step: str) -> set[tuple[str, str]]:
        """(stack, address) of creations that Terraform's logs say this of."""
        found = set()
        for log in self.root.glob("*/apply.log"):
            for line in log.read_text(errors="replace").splitlines():
                event = parse_line(line) if f'"{step}"' in line else None
                if isinstance(event, ResourceEvent) and event.action == "create":
                    found.add((log.parent.name, event.address))
        return found

    def working(self) -> list[str]:
        """Stacks whose apply is under way."""
        records = {name: ProcessRecord.read(self.root / name / "run.json") for name in STACKS}
        return [name for name, record in records.items() if record and record.alive() and "apply" in record.command]

    def held(self) -> set[tuple[str, str]]:
        """What states hold; of one that the kill cut off nothing."""
        found: set[tuple[str, str]] = set()
        for name in STACKS:
            with contextlib.suppress(PlanError):
                state = read_state(self.root / name / "terraform.tfstate")
                found |= {(name, address) for address in (state.addresses if state else ())}
        return found

    def cut_off(self) -> int:
        """States that cannot be read."""
        count = 0
        for name in STACKS:
            try:
                read_state(self.root / name / "terraform.tfstate")
            except PlanError:
                count += 1
        return count

    def check(self) -> None:
        """Everything is there once, nothing is locked, nothing is left to do."""
        ran = self.infra.plan()
        assert ran.code == 0, ran.out + ran.err
        assert all(not stack["findings"] for stack in ran.json["stacks"]), ran.out
        left = [path.name for path in self.root.glob("*/*") if path.name in (
            ".terraform.tfstate.lock.info", "run.json", "journal.jsonl", "errored.tfstate", "infra_import.tf.json"
        )]  # fmt: skip
        assert not left, left
        platform = platform_for(load_environment(self.infra.project, "local"), self.infra.project)
        there = _topics(platform)
        assert there == sorted(self.topics)
        assert _subjects(platform) == sorted(f"{name}-value" for name in self.topics)
        held = self.held()
        declared_acls = [address for _, address in held if address.startswith("kafka_acl.")]
        assert len(_acls(platform)) == len(declared_acls)

    def write(self, count: int) -> None:
        """Records in the topic `keep`."""
        from confluent_kafka import Producer

        platform = platform_for(load_environment(self.infra.project, "local"), self.infra.project)
        producer = Producer({**platform.kafka_client("admin"), "acks": "all"})
        for number in range(count):
            producer.produce("keep", value=str(number).encode())
        assert producer.flush(30) == 0

    def records(self) -> int:
        from confluent_kafka import Consumer, TopicPartition

        platform = platform_for(load_environment(self.infra.project, "local"), self.infra.project)
        consumer = Consumer({**platform.kafka_client("admin"), "group.id": "storm"})
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition("keep", 0), timeout=20)
        finally:
            consumer.close()
        return int(high - low)


def _all_below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def _topics(platform: Any) -> list[str]:
    from confluent_kafka.admin import AdminClient

    names = AdminClient(platform.kafka_client("admin")).list_topics(timeout=20).topics
    return sorted(name for name in names if not name.startswith("_"))


def _subjects(platform: Any) -> list[str]:
    from confluent_kafka.schema_registry import SchemaRegistryClient

    client = platform.registry_client()
    return sorted(SchemaRegistryClient({"url": client.url}).get_subjects())


def _acls(platform: Any) -> list[Any]:
    from confluent_kafka.admin import (
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        AdminClient,
        ResourcePatternType,
        ResourceType,
    )

    every = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    client = AdminClient(platform.kafka_client("admin"))  # held: its end would end the request
    found: list[Any] = client.describe_acls(every).result(20)
    return found


def as_json(kills: list[Kill]) -> str:
    return json.dumps([each.__dict__ for each in kills])
