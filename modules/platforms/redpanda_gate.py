"""The gate between two Redpanda brokers: asks the cluster what it looks like and does the next step until it is whole.

Terraform runs it between two brokers' services (`python -m modules.platforms.redpanda_gate`, a provisioner of the
cluster stack), so a deploy replaces one broker, waits here, and only then touches the next. What to do is decided in
`redpanda_roll.py`. Speaks to Redpanda's Admin API over TLS as the administrator, and to ECS to know which brokers
there are; the login comes from Secrets Manager and is in no argument. `INFRA_REDPANDA_GATE=skip` lets everything pass,
for a cluster that is beyond repair and is to be made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from modules.errors import ConfigError, InfraError, ServiceError
from modules.platforms.redpanda_admin import ADMIN_PORT, AdminApi, view_of
from modules.platforms.redpanda_roll import ClearMaintenance, Decommission, Done, Step, View, next_step

__all__ = ["AdminCluster", "Cluster", "main", "settle"]

_PAUSE = 12.0
"""Seconds between two looks: Redpanda keeps its health report for about ten."""

_SILENCE = 900.0
"""Seconds after which it is the way to the brokers that is missing: the first ones start within a few minutes."""

_YOUNG = 7_200.0
"""Seconds after its services were made in which a cluster nobody can reach yet is let pass: its network may have been
made in the same deploy, so nobody can be inside, and it has no topics yet that could be lost.
"""


class Cluster(Protocol):
    """What the gate needs of the cluster; tests put a small server or a table in its place."""

    def view(self) -> View:
        """How things are now."""

    def do(self, step: Step) -> None:
        """Carries out a step that is more than waiting."""

    def young(self) -> bool:
        """Whether all its brokers were made a short while ago, so that it holds nothing yet."""


@dataclass(frozen=True)
class AdminCluster:
    """A cluster behind an Admin API; `started` says which brokers ECS has, and for how many seconds."""

    api: AdminApi
    seeds: Sequence[str]
    started: Callable[[], Mapping[str, float]]
    before: str | None = None
    leaving: frozenset[str] = frozenset()

    def view(self) -> View:
        return view_of(self.api, self.seeds, list(self.started()), self.before, self.leaving)

    def young(self) -> bool:
        return max(self.started().values(), default=0.0) < _YOUNG

    def do(self, step: Step) -> None:
        if isinstance(step, Decommission):
            self.api.any("PUT", f"/v1/brokers/{step.id}/decommission")
        elif isinstance(step, ClearMaintenance):
            self.api.any("DELETE", f"/v1/brokers/{step.id}/maintenance")


def settle(
    cluster: Cluster,
    *,
    patience: float,
    silence: float = _SILENCE,
    pause: float = _PAUSE,
    say: Callable[[str], None] = lambda _line: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when the next broker may be touched; that the cluster is whole is seen twice.

    Raises:
        ServiceError: it is not within `patience` seconds, no broker answers for `silence` seconds, or one refused.
    """
    heard = clock()
    deadline = heard + patience
    said, whole = "", False
    while True:
        view = cluster.view()
        step = next_step(view)
        if isinstance(step, Done):
            if step.sure or whole:
                say(step.why)
                return
            whole = True
        else:
            whole = False
            line = _words(step)
            if line != said:
                say(line)
                said = line
            cluster.do(step)
        if view.brokers is not None:
            heard = clock()
        if clock() > heard + silence / 3 and cluster.young():
            say("the brokers are made, but cannot be seen from here; what comes next has to be run in their network")
            return
        if clock() > heard + silence:
            raise ServiceError(
                f"no broker answers from here for {silence:,.0f} seconds",
                where=", ".join(view.expected),
                do="run `infra deploy` inside the brokers' network (`redpanda.operators` may reach them), where it "
                "goes on from here; if they cannot be reached there either, look at their logs",
            )
        if clock() > deadline:
            raise ServiceError(
                f"the cluster did not come to rest in {patience:,.0f} seconds; last: {_words(step)}",
                do="look at the brokers' logs; `infra deploy` again goes on from here",
            )
        sleep(pause)


def _words(step: Step) -> str:
    if isinstance(step, Decommission):
        return f"decommissioning id {step.id}: {step.why}"
    if isinstance(step, ClearMaintenance):
        return f"taking id {step.id} out of maintenance"
    return step.why


def main(arguments: Sequence[str] | None = None) -> int:
    """The program: 0 when the next broker may be touched."""
    parser = _parser()
    given = parser.parse_args(arguments)
    needed = ("region", "ecs_cluster", "broker", "seeds", "login", "authority")
    if not given.environment and any(getattr(given, name) is None for name in needed):
        parser.error("give --environment, or all of " + ", ".join(f"--{name.replace('_', '-')}" for name in needed))
    if os.environ.get("INFRA_REDPANDA_GATE") == "skip":
        _say("not looked at: INFRA_REDPANDA_GATE=skip")
        return 0
    try:
        if given.environment:
            _fill_in(given)
        settle(_cluster(given), patience=given.patience, say=_say)
    except InfraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="redpanda-gate", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--environment", help="a deployed environment of this project, in place of what follows")
    parser.add_argument("--region")
    parser.add_argument("--ecs-cluster", help="the ECS cluster's name")
    parser.add_argument("--broker", action="append", metavar="SERVICE=ADDRESS", help="each of them")
    parser.add_argument("--seeds", type=int, help="how many of the first brokers found the cluster")
    parser.add_argument("--login", help="ARN of the administrator's secret")
    parser.add_argument("--authority", help="ARN of the secret with the authority's certificate")
    parser.add_argument("--before", help="the address of the broker that is to be touched next")
    parser.add_argument("--leaving", action="append", default=[], help="a broker that is taken out for good")
    parser.add_argument("--patience", type=float, default=4 * 3600.0, help="seconds")
    return parser


def _fill_in(given: argparse.Namespace) -> None:
    """What the cluster stack says of a deployed environment; brokers that leave are named as `broker-4`.

    Raises:
        ConfigError: there is no such environment, it is not on Redpanda, or it was never deployed.
    """
    from modules.environment import load_environment
    from modules.environment.redpanda import domain_of
    from modules.platforms.names import resource_name
    from modules.platforms.redpanda import AUTHORITY
    from modules.project import OUTPUTS_FILE, find_project

    project = find_project()
    environment = load_environment(project, given.environment)
    try:
        outputs = json.loads((project.environment_state(environment.name) / OUTPUTS_FILE).read_text())
        credentials = outputs["cluster"]["credentials"]
        given.login, given.authority = (credentials[each].partition(":")[2] for each in ("admin", AUTHORITY))
        addresses = [each.partition(":")[0] for each in outputs["cluster"]["bootstrap_servers"].split(",")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"environment {environment.name} has no Redpanda cluster here",
            where=environment.source,
            do=f"run `infra deploy --env {environment.name}`",
        ) from None
    given.region, given.seeds = environment.redpanda.region, min(3, len(addresses))
    given.ecs_cluster = resource_name(environment, "brokers", limit=255)
    names = [each.partition(".")[0] for each in addresses]
    services = [resource_name(environment, name, limit=255) for name in names]
    given.broker = [f"{service}={address}" for service, address in zip(services, addresses, strict=True)]
    given.leaving = [each if "." in each else f"{each}.{domain_of(environment)}" for each in given.leaving]


def _cluster(given: argparse.Namespace) -> AdminCluster:
    services = dict(each.split("=", 1) for each in given.broker)
    addresses = list(services.values())

    def started() -> dict[str, float]:
        found = _active(given.region, given.ecs_cluster, list(services))
        return {services[name]: age for name, age in found.items()}

    if started():
        login, authority = (_secret(given.region, arn) for arn in (given.login, given.authority))
        context: ssl.SSLContext | None = ssl.create_default_context(cadata=authority["ca"])
    else:
        login, context = {"username": "", "password": ""}, None
    urls = {address: f"https://{address}:{ADMIN_PORT}" for address in addresses}
    api = AdminApi(urls, login["username"], login["password"], context)
    return AdminCluster(api, addresses[: given.seeds], started, given.before, frozenset(given.leaving))


def _active(region: str, cluster: str, services: list[str]) -> dict[str, float]:
    """Which of the services ECS has, in their order, and how many seconds ago each was made.

    Raises:
        ServiceError: ECS refused.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    found: dict[str, float] = {}
    try:
        client = boto3.client("ecs", region_name=region)
        for start in range(0, len(services), 10):
            answer = client.describe_services(cluster=cluster, services=services[start : start + 10])
            for each in answer["services"]:
                if each["status"] == "ACTIVE":
                    found[each["serviceName"]] = (datetime.now(UTC) - each["createdAt"]).total_seconds()
    except (BotoCoreError, ClientError) as error:
        raise ServiceError(
            f"ECS did not say which brokers there are: {error}",
            where=cluster,
            do="check that you are logged in and may call ecs:DescribeServices",
        ) from None
    return {service: found[service] for service in services if service in found}


def _secret(region: str, arn: str) -> dict[str, str]:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=arn)
        return {str(key): str(value) for key, value in json.loads(answer["SecretString"]).items()}
    except (BotoCoreError, ClientError, ValueError, KeyError, AttributeError) as error:
        kind = type(error).__name__ if isinstance(error, ValueError | KeyError | AttributeError) else str(error)
        raise ServiceError(
            f"the secret cannot be read: {kind}", where=arn, do="check that you are logged in and may read it"
        ) from None


def _say(line: str) -> None:
    sys.stdout.write(f"redpanda: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
