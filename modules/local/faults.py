"""What may break on the laptop's platform on purpose, and is mended again: for `infra smoke --fault`.

Each function breaks one service and returns when it works again; it is mended in any case, and sooner when the event
is set. Services are found by the pid the supervisor recorded for them, nothing else is touched.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import psutil

from modules.environment.model import Environment
from modules.errors import LocalError
from modules.local import supervisor
from modules.local.common import SINK, locked
from modules.local.platform import up
from modules.local.sink_service import start_sink
from modules.project import Project

__all__ = ["BREAKING", "DOWN_SECONDS", "breaking"]

DOWN_SECONDS = 2.0
"""How long the registry is down and the warehouse stands still."""

Break = Callable[[Project, Environment, threading.Event], None]


def restart_broker(project: Project, environment: Environment, hurry: threading.Event) -> None:
    """Stop Kafka as a rolling restart does, and start it on its data."""
    _require(project, "kafka")
    _down_and_up(project, environment, "kafka", hurry, 0)


def take_registry_down(project: Project, environment: Environment, hurry: threading.Event) -> None:
    """Stop the Schema Registry, and start it a little later."""
    _require(project, "registry")
    _down_and_up(project, environment, "registry", hurry, DOWN_SECONDS)


def kill_sink(project: Project, environment: Environment, hurry: threading.Event) -> None:
    """End the sink without a word (SIGKILL), and start it."""
    process = _require(project, SINK)
    topics = [name for name, topic in environment.topics.items() if topic.sink]
    try:
        process.kill()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(10)
    finally:
        start_sink(project, environment.name, topics=topics)


def stall_warehouse(project: Project, environment: Environment, hurry: threading.Event) -> None:
    """Stop the stand-in's process where it is (SIGSTOP), and let it go on."""
    process = _require(project, "snowflake")
    try:
        process.suspend()
        hurry.wait(DOWN_SECONDS)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


BREAKING: dict[str, Break] = {
    "broker-restart": restart_broker,
    "sink-kill": kill_sink,
    "registry-down": take_registry_down,
    "warehouse-stall": stall_warehouse,
}


def breaking(project: Project, environment: Environment, name: str) -> Callable[[threading.Event], None]:
    """The function for a fault, its service known to run now.

    Raises:
        LocalError: what is to break does not run.
    """
    service = {"broker-restart": "kafka", "sink-kill": SINK, "registry-down": "registry"}.get(name, "snowflake")
    _require(project, service)
    return lambda hurry: BREAKING[name](project, environment, hurry)


def _require(project: Project, name: str) -> psutil.Process:
    process = supervisor.find(project.local, name)
    if process is None:
        deployed = "`infra deploy --env local` starts it" if name == SINK else "run `infra local up` first"
        raise LocalError(f"{name} does not run on the local platform, so it cannot be made to fail", do=deployed)
    return process


def _down_and_up(project: Project, environment: Environment, name: str, hurry: threading.Event, seconds: float) -> None:
    try:
        with locked(project):
            supervisor.stop(project.local, name)
        hurry.wait(seconds)
    finally:
        # It starts what is missing, on the same port, and leaves the others alone.
        up(project, environment.local)
