"""Connectors and their tasks; the project's own sink as if it were one: a reader wants to know the same of it."""

from __future__ import annotations

from confluent_kafka import KafkaException

from modules.connectors.status import ConnectorState, expected
from modules.connectors.status import status as connector_status
from modules.environment.connect import kind_of
from modules.environment.model import Environment
from modules.environment.smoke import SMOKE_TOPIC
from modules.errors import InfraError, ServiceError
from modules.project import Project
from modules.status.kafka_client import KafkaAsk, refusal
from modules.status.readings import Missing, Part, Reached
from modules.topics import sink_group

__all__ = ["DEAD", "ConnectorsCollector", "offer_of"]

DEAD, STOPPED = "DEAD", "STOPPED"
"""States of the own sink: its process was killed or crashed; no member of its group is there."""


def offer_of(environment: str, connector: ConnectorState) -> str:
    """How to start it again."""
    if connector.state == DEAD:  # of the laptop's supervised sink: it is taken back into the supervisor's hands
        return f"infra status --env {environment} --restart"
    if connector.runner == "sink":
        return f"infra sink --env {environment} --topic {connector.what}"
    failed = " --failed" if connector.state == "RUNNING" else ""
    return f"infra connect restart --env {environment} {connector.what}{failed}"


class ConnectorsCollector:
    """Asks each service that runs connectors; for the own sink its group, and on a laptop its supervisor."""

    name = "connectors"

    def __init__(self, environment: Environment, project: Project, ask: KafkaAsk) -> None:
        self._environment = environment
        self._project = project
        self._ask = ask

    def read(self) -> Part:
        missing: list[Missing] = []
        reached: list[Reached] = []
        states: list[ConnectorState] = []
        if kind_of(self._environment) == "sink":
            states += self._sinks(missing)
        if expected(self._environment):
            try:
                states += connector_status(self._environment, self._project)
                reached.append(Reached("connect", "Kafka Connect", True))
            except ServiceError as error:
                denied = "it answers 401" in error.what or "it answers 403" in error.what
                permission = "the connectors' REST login (its key, or `connect.rest_credentials`)" if denied else None
                missing.append(Missing("connectors and their tasks", f"{error.where}: {error.what}", permission))
                if not denied:
                    reached.append(Reached("connect", error.where or "Kafka Connect", False, error.what))
            except InfraError as error:
                missing.append(Missing("connectors and their tasks", error.what, error.do))
        return Part(connectors=tuple(states), missing=tuple(missing), reached=tuple(reached))

    def close(self) -> None:
        """Nothing is held open."""

    def _sinks(self, missing: list[Missing]) -> list[ConnectorState]:
        topics = [name for name, topic in self._environment.topics.items() if topic.sink]
        topics.sort(key=lambda name: name == SMOKE_TOPIC)
        members = self._ask.members([sink_group(name) for name in topics])
        dead = self._killed()
        states = []
        for topic in topics:
            found = members[sink_group(topic)]
            if isinstance(found, KafkaException):
                right = f"Describe on group {sink_group(topic)}"
                missing.append(refusal(f"the sink of {topic}", found, self._ask.who, right))
                continue
            state, error = "RUNNING", None
            if dead is not None:
                state, error = DEAD, dead
            elif not found:
                state, error = STOPPED, f"nobody is in its consumer group {sink_group(topic)}"
            states.append(ConnectorState(sink_group(topic), "sink", topic, "sink", state, error, ()))
        return states

    def _killed(self) -> str | None:
        """That the laptop's supervised sink is gone, in words. Its group notices only when its session has run out."""
        if self._environment.platform != "local":
            return None
        from modules.local import supervisor
        from modules.local.common import SINK
        from modules.local.status import logs, service_status

        owner = self._project.local / "run" / "sink.environment"
        whose = owner.read_text().split("\n")[0] if owner.exists() else None
        if whose != self._environment.name or service_status(self._project, SINK).state != "dead":
            return None
        run = supervisor.recorded(self._project.local, SINK)
        try:
            last = next(iter(list(logs(self._project, SINK, 1))), "")
        except InfraError:
            last = ""
        pid = f" {run.pid}" if run else ""
        return f"its process{pid} is gone: killed, or crashed" + (f" (last words: {last.strip()})" if last else "")
