"""Stacks of `terraform_data` (built into Terraform, nothing to download) and a progress that remembers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.project import Project
from modules.terraform.engine import Deployment, Options
from modules.terraform.events import Event
from modules.terraform.plan import StackPlan
from modules.terraform.providers import ProviderInstallation
from modules.terraform.source import StackSource

NO_PLUGINS = ProviderInstallation("official")


@dataclass
class Recorder:
    """A progress whose calls a test can read."""

    notes: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def started(self, stack: str, action: str, total: int) -> None:
        with self.lock:
            self.calls.append(("started", stack, action))

    def event(self, stack: str, event: Event) -> None:
        with self.lock:
            self.events.append((stack, event))

    def finished(self, stack: str, action: str, outcome: str) -> None:
        with self.lock:
            self.calls.append(("finished", stack, f"{action}: {outcome}"))


class Workbench:
    """A project in a temporary folder whose stacks a test writes and rewrites."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "environments").mkdir(parents=True, exist_ok=True)
        (root / "synth").mkdir(exist_ok=True)
        self.project = Project(root)
        self.sources: dict[str, StackSource] = {}
        self.progress = Recorder()

    def stack(
        self,
        name: str,
        document: Mapping[str, Any],
        needs: Sequence[str] = (),
        inputs: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        path = self.root / "synth" / f"{name}.tf.json"
        backend = {"terraform": {"backend": {"local": {"path": f"/nowhere/{name}.tfstate"}}}}
        path.write_text(json.dumps({**backend, **document}))
        self.sources[name] = StackSource(name, path, tuple(needs), inputs or {})

    def folder(self, stack: str) -> Path:
        return self.project.environment_state("test") / stack

    def deployment(self, **options: Any) -> Deployment:
        how = Options(progress=self.progress, **options)
        return Deployment(self.project, "test", list(self.sources.values()), NO_PLUGINS, how)


def data(**resources: Any) -> dict[str, Any]:
    """`terraform_data` resources: a value is the input, a mapping the whole block."""
    blocks = {name: value if isinstance(value, dict) else {"input": value} for name, value in resources.items()}
    return {"terraform_data": blocks}


def shell(command: str) -> list[dict[str, Any]]:
    return [{"local-exec": {"command": command}}]


CLUSTER = {
    "resource": data(broker="b-1"),
    "output": {
        "bootstrap": {"value": "${terraform_data.broker.output}"},
        "key": {"value": '${sensitive("top-${terraform_data.broker.output}")}', "sensitive": True},
    },
}
TOPICS = {
    "variable": {"bootstrap": {"type": "any"}, "key": {"type": "string", "sensitive": True, "ephemeral": False}},
    "resource": data(
        topic={"for_each": {"orders": {}, "orders.dlq": {}}, "input": "${var.bootstrap}/${each.key}"},
        acl={"input": "${var.key}"},
    ),
    "output": {"names": {"value": "${[for t in terraform_data.topic : t.output]}"}},
}
TOPICS_INPUTS = {"bootstrap": ("cluster", "bootstrap"), "key": ("cluster", "key")}


def two_stacks(bench: Workbench) -> None:
    """`topics` lives on what `cluster` puts out, one output of it sensitive."""
    bench.stack("topics", TOPICS, inputs=TOPICS_INPUTS)
    bench.stack("cluster", CLUSTER)


def kinds(plan: StackPlan) -> dict[str, str]:
    """What the plan does, by address."""
    return {change.address: change.kind for change in plan.changes}


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that will happen; the limit only keeps a broken test from hanging."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
