"""What connectors do right now, and starting them again: by Kafka Connect's REST interface, MSK Connect's, Confluent's.

One record for all of them. Which connectors there should be comes from the environment, so one that is not there is
said too. Nothing is changed but by `restart`.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlsplit

from modules.environment.capture import debezium_sources, runner_of
from modules.environment.connect import Runner, kind_of
from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.environment.smoke import sinks_by_carrier
from modules.errors import ConfigError, ServiceError
from modules.platforms.names import connector_name
from modules.project import Project, recorded_outputs

__all__ = ["ConnectorState", "Expected", "Rest", "Service", "TaskState", "expected", "restart", "service_for", "status"]

MISSING = "MISSING"
"""The state of a connector that should be there and is not."""

_SECONDS = 20.0
_ERROR_LENGTH = 400
_REBALANCING = 409
_REBALANCE_PAUSE, _REBALANCE_POLLS = 0.5, 40
"""Twenty seconds in all; a worker that left is waited for longer (scheduled.rebalance.max.delay.ms), without a 409."""
_CONFLUENT = "https://api.confluent.cloud"


@dataclass(frozen=True)
class Expected:
    """A connector that the environment declares. `what` is its topic, or its source."""

    name: str
    role: Literal["sink", "source"]
    what: str
    runner: Runner


@dataclass(frozen=True)
class TaskState:
    """One task; `error` is the first line of what made it fail."""

    id: int
    state: str
    error: str | None = None


@dataclass(frozen=True)
class ConnectorState:
    """One connector as its service tells."""

    name: str
    role: str
    what: str
    runner: str
    state: str
    error: str | None
    tasks: tuple[TaskState, ...]

    @property
    def healthy(self) -> bool:
        return self.state == "RUNNING" and all(task.state == "RUNNING" for task in self.tasks)


class Service(Protocol):
    """What runs connectors."""

    def state(self, connector: Expected) -> ConnectorState:
        """What a connector does; `MISSING` if it is not there."""

    def restart(self, connector: Expected, *, failed_only: bool) -> None:
        """Starts it and its tasks again, or only what has failed."""


def expected(environment: Environment) -> list[Expected]:
    """The connectors an environment declares; none with the project's own sink and no captured source."""
    found = []
    kind = kind_of(environment)
    if kind != "sink":
        found += [
            Expected(connector_name(environment, "sink", topic), "sink", topic, kind)
            for topic in sinks_by_carrier(environment)
        ]
    for name, source in debezium_sources(environment).items():
        runner = runner_of(environment, source)
        found.append(Expected(connector_name(environment, "source", name), "source", name, runner))
    return found


def status(environment: Environment, project: Project) -> list[ConnectorState]:
    """What each declared connector does.

    Raises:
        ConfigError: it was never deployed.
        ServiceError: what runs it does not answer.
    """
    return [service.state(each) for each, service in _with_service(environment, project, expected(environment))]


def restart(
    environment: Environment, project: Project, names: Sequence[str] = (), *, failed_only: bool = False
) -> list[str]:
    """Starts connectors again, all or those named (by name, topic or source), and says which.

    Raises:
        ConfigError: there is none of a name, or the service cannot restart.
        ServiceError: what runs it does not answer, or refuses.
    """
    declared = expected(environment)
    chosen = [each for each in declared if not names or {each.name, each.what} & set(names)]
    known = {word for each in declared for word in (each.name, each.what)}
    for name in names:
        if name not in known:
            raise ConfigError(
                f"there is no connector `{name}`",
                where=environment.source,
                do=f"choose of: {', '.join(each.what for each in declared) or 'none is declared'}",
            )
    for each, service in _with_service(environment, project, chosen):
        service.restart(each, failed_only=failed_only)
    return [each.name for each in chosen]


def _with_service(
    environment: Environment, project: Project, connectors: Sequence[Expected]
) -> Iterator[tuple[Expected, Service]]:
    services: dict[Runner, Service] = {}
    for each in connectors:
        if each.runner not in services:
            services[each.runner] = service_for(environment, project, each.runner)
        yield each, services[each.runner]


def service_for(environment: Environment, project: Project, runner: Runner) -> Service:
    """What runs the connectors of one kind, with its address and login."""
    if runner == "kafka-connect":
        return _rest(environment, project)
    if environment.platform == "msk":
        return MskConnect(environment.msk.region)
    cluster = _outputs(environment, project, "cluster")
    confluent = environment.confluent
    login = tuple(resolve_secret(each, project) for each in (confluent.cloud_api_key, confluent.cloud_api_secret))
    return Confluent(_Http(_CONFLUENT, (login[0], login[1])), cluster["environment_id"], cluster["cluster_id"])


def _rest(environment: Environment, project: Project) -> Rest:
    login = None
    if environment.platform == "local":
        from modules.local.endpoints import load_endpoints

        url = load_endpoints(project).connect_url
        if not url:
            raise ConfigError("no Kafka Connect worker runs here", do="run `infra local up --with connect`")
    elif environment.connect.rest_url:
        url = environment.connect.rest_url
        if environment.connect.rest_credentials is not None:
            found = json.loads(resolve_secret(environment.connect.rest_credentials, project))
            login = (str(found["username"]), str(found["password"]))
    else:
        url = str(_outputs(environment, project, "connect")["rest_url"])
    return Rest(_Http(url, login))


def _outputs(environment: Environment, project: Project, stack: str) -> dict[str, Any]:
    found = recorded_outputs(project, environment.name, stack)
    if found is None:
        raise ConfigError(
            f"environment {environment.name} was never deployed from here",
            where=environment.source,
            do=f"run `infra deploy --env {environment.name}`",
        )
    return dict(found)


class Rest:
    """A Kafka Connect by its REST interface (kafka.apache.org/documentation/#connect_rest).

    While its workers share connectors out anew it answers 409; that takes seconds, and is waited out.
    """

    def __init__(self, http_: _Http, pause: Callable[[float], None] = time.sleep) -> None:
        self._http = http_
        self._pause = pause

    def _settled(self, method: str, path: str) -> tuple[int, Any]:
        for _ in range(_REBALANCE_POLLS):
            code, answer = self._http.call(method, path)
            if code != _REBALANCING:
                break
            self._pause(_REBALANCE_PAUSE)
        return code, answer

    def state(self, connector: Expected) -> ConnectorState:
        code, answer = self._settled("GET", f"/connectors/{quote(connector.name, safe='')}/status")
        if code == 404:
            return _missing(connector)
        self._http.require(code, answer)
        return _from_connect(connector, answer)

    def restart(self, connector: Expected, *, failed_only: bool) -> None:
        what = f"includeTasks=true&onlyFailed={'true' if failed_only else 'false'}"
        path = f"/connectors/{quote(connector.name, safe='')}/restart?{what}"
        self._http.require(*self._settled("POST", path))


class Confluent:
    """Confluent Cloud's own (docs.confluent.io/cloud/current/api.html, connect/v1); it restarts by a pause."""

    def __init__(self, http_: _Http, environment_id: str, cluster_id: str, pause: Callable[[float], None] = time.sleep):
        self._http = http_
        self._path = f"/connect/v1/environments/{environment_id}/clusters/{cluster_id}/connectors/"
        self._pause = pause

    def state(self, connector: Expected) -> ConnectorState:
        code, answer = self._http.call("GET", f"{self._path}{quote(connector.name, safe='')}/status")
        if code == 404:
            return _missing(connector)
        self._http.require(code, answer)
        return _from_connect(connector, answer)

    def restart(self, connector: Expected, *, failed_only: bool) -> None:
        if failed_only and self.state(connector).healthy:
            return
        path = f"{self._path}{quote(connector.name, safe='')}"
        self._http.require(*self._http.call("PUT", f"{path}/pause"))
        for _ in range(60):
            if self.state(connector).state in ("PAUSED", "FAILED"):
                break
            self._pause(1.0)
        self._http.require(*self._http.call("PUT", f"{path}/resume"))


class MskConnect:
    """Amazon MSK Connect; it tells of a connector as a whole."""

    def __init__(self, region: str, client: Any = None) -> None:
        self._region = region
        self._given = client

    @property
    def _client(self) -> Any:
        if self._given is None:
            import boto3

            self._given = boto3.client("kafkaconnect", region_name=self._region)
        return self._given

    def state(self, connector: Expected) -> ConnectorState:
        arn = self._arn(connector)
        if arn is None:
            return _missing(connector)
        found = self._ask("describe_connector", connectorArn=arn)
        why = _first_line((found.get("stateDescription") or {}).get("message"))
        state = str(found["connectorState"])
        return ConnectorState(connector.name, connector.role, connector.what, connector.runner, state, why, ())

    def restart(self, connector: Expected, *, failed_only: bool) -> None:
        arn = self._arn(connector)
        if arn is None:
            raise ServiceError(f"there is no connector {connector.name}", where=self._region, do="deploy it first")
        self._ask("restart_connector", connectorArn=arn, onlyFailedTasks=failed_only)

    def _arn(self, connector: Expected) -> str | None:
        found = self._ask("list_connectors", connectorNamePrefix=connector.name)["connectors"]
        return next((str(each["connectorArn"]) for each in found if each["connectorName"] == connector.name), None)

    def _ask(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(**arguments)
        except (BotoCoreError, ClientError) as refused:
            raise ServiceError(
                f"MSK Connect does not do it: {refused}",
                where=self._region,
                do="log in to the account as someone who may (`kafkaconnect:ListConnectors`, `DescribeConnector`, "
                "`RestartConnector`)",
            ) from None


class _Http:
    """Requests with a JSON answer; status None never happens: no answer is an error."""

    def __init__(self, url: str, login: tuple[str, str] | None = None) -> None:
        self._url = url.rstrip("/")
        self._login = login

    def call(self, method: str, path: str) -> tuple[int, Any]:
        where = urlsplit(self._url)
        secure = where.scheme == "https"
        connection = (
            http.client.HTTPSConnection(where.netloc, timeout=_SECONDS, context=ssl.create_default_context())
            if secure
            else http.client.HTTPConnection(where.netloc, timeout=_SECONDS)
        )
        headers = {"Accept": "application/json"}
        if self._login is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(self._login).encode()).decode()
        try:
            connection.request(method, f"{where.path}{path}", headers=headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(
                f"it does not answer: {error.__class__.__name__}",
                where=self._url,
                do="check that it runs, and that this machine reaches it",
            ) from None
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text) if text.strip() else None
        except ValueError:
            return answer.status, {"message": text.decode(errors="replace")}

    def require(self, code: int, answer: Any) -> None:
        """Raises ServiceError unless it went well."""
        if code < 300:
            return
        message = answer.get("message") if isinstance(answer, dict) else None
        do = "check the login" if code in (401, 403) else "look into its logs"
        raise ServiceError(f"it answers {code}: {_first_line(message) or 'no reason given'}", where=self._url, do=do)


def _from_connect(connector: Expected, answer: Any) -> ConnectorState:
    """The record from an answer in Kafka Connect's shape; Confluent's is the same."""
    its = answer.get("connector") or {}
    tasks = tuple(
        TaskState(int(task["id"]), str(task["state"]), _first_line(task.get("trace") or task.get("msg")))
        for task in answer.get("tasks") or ()
    )
    state = str(its.get("state", "UNKNOWN"))
    return ConnectorState(
        connector.name,
        connector.role,
        connector.what,
        connector.runner,
        state if tasks or state != "RUNNING" else "STARTING",  # without a task it does nothing yet
        _first_line(its.get("trace")),
        tasks,
    )


def _missing(connector: Expected) -> ConnectorState:
    words = "it is not there; `infra deploy` makes it"
    return ConnectorState(connector.name, connector.role, connector.what, connector.runner, MISSING, words, ())


def _first_line(text: object) -> str | None:
    """What a person needs of a stack trace: its last cause's first line."""
    lines = [line.strip() for line in str(text or "").splitlines() if line.strip()]
    if not lines:
        return None
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    found = causes[-1] if causes else lines[0]
    return found if len(found) <= _ERROR_LENGTH else f"{found[:_ERROR_LENGTH]}…"
