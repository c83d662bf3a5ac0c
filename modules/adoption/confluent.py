"""Reads a cluster of Confluent Cloud through its REST API, with the environment's Cloud API key; changes nothing.

Asked are `/org/v2/environments`, `/cmk/v2/clusters` and, where the cluster is private, `/networking/v1`
(docs.confluent.io/cloud/current/api.html).
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modules.adoption.found import FoundCluster, Setting
from modules.errors import ConfigError, ServiceError

__all__ = ["API", "ConfluentApi", "read_confluent"]

API = "https://api.confluent.cloud"
_TIMEOUT = 20.0
_MOST = 10 * 2**20

_AVAILABILITIES = {"LOW": "low", "HIGH": "high", "SINGLE_ZONE": "low", "MULTI_ZONE": "high"}
"""SINGLE_ZONE and MULTI_ZONE are the same by older names; the provider takes them for equal. Dedicated keeps them."""

_WAYS = {"PRIVATELINK": "privatelink", "PEERING": "peering", "TRANSITGATEWAY": "peering"}
"""A network's connection → `confluent.networking`; over a transit gateway brokers are reached as over a peering."""


@dataclass(frozen=True)
class ConfluentApi:
    """Confluent Cloud's API for one Cloud API key."""

    key: str
    secret: str = field(repr=False)
    base: str = API

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """The answer.

        Raises:
            ConfigError: there is no such thing.
            ServiceError: it does not answer, or refuses.
        """
        url = f"{self.base}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        request = urllib.request.Request(url)  # noqa: S310 - https, but for a test's own server
        token = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                found = json.loads(answer.read(_MOST))
        except urllib.error.HTTPError as error:
            raise _refused(error, path) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ServiceError(
                f"Confluent Cloud does not answer: {reason}", where=self.base, do="check the network, or the proxy"
            ) from None
        if not isinstance(found, dict):
            raise ServiceError("Confluent Cloud answered with something else than an object", where=url)
        return found


def _refused(error: urllib.error.HTTPError, path: str) -> ConfigError | ServiceError:
    where = f"{API}{path}"
    if error.code == 404:
        return ConfigError("there is no such environment or cluster", where=where, do="check both ids")
    words = {401: "the Cloud API key is wrong", 403: "the Cloud API key may not see it"}
    return ServiceError(
        words.get(error.code, f"Confluent Cloud refused (HTTP {error.code})"),
        where=where,
        do="check `confluent.cloud_api_key` and `cloud_api_secret`: a Cloud API key that may see the environment",
    )


def read_confluent(api: ConfluentApi, environment_id: str, cluster_id: str) -> FoundCluster:
    """The Confluent environment with its cluster.

    Raises:
        ConfigError: there is none, or it is of a kind that an environment here cannot be.
        ServiceError: Confluent Cloud does not answer, or refuses.
    """
    outer = api.get(f"/org/v2/environments/{environment_id}")
    cluster = api.get(f"/cmk/v2/clusters/{cluster_id}", environment=environment_id)
    spec, status = cluster.get("spec") or {}, cluster.get("status") or {}
    identifier = f"{environment_id}/{cluster_id}"
    _refuse_other(identifier, spec, status)
    tier = str(spec["config"]["kind"]).lower()
    governance = ((outer.get("stream_governance_config") or {}).get("package") or "").lower()
    way, network = _network(api, environment_id, tier, spec)
    left = [
        "service accounts and API keys: new ones are made for this environment's roles; those in use go on to work",
        "topics, rights and subjects: `infra import` without --cluster, once the cluster is deployed",
    ]
    if not governance:
        left.append(f"{environment_id} has no Stream Governance package: it gets essentials with the first deploy")
    if network:
        left.append(f"{network}, by which the cluster is reached, stays its owner's (confluent.adopted.network)")
    elif way != "public":
        left.append("no PrivateLink attachment is there: one is made, with an endpoint in `network.vpc_id`")
    if spec.get("byok"):
        left.append(f"the encryption key {spec['byok'].get('id')} stays its owner's")
    settings = _settings(outer, spec, status, tier, governance or "essentials", way, network)
    return FoundCluster(
        "confluent",
        identifier,
        tuple(settings),
        {"confluent_environment.main": environment_id, "confluent_kafka_cluster.main": identifier},
        _objects(outer, cluster, tier, governance),
        dropped=_dropped(tier, way, network),
        left=tuple(left),
    )


def _refuse_other(identifier: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    if status.get("phase") != "PROVISIONED":
        raise ConfigError(
            f"the cluster is not ready to be taken over: it is {status.get('phase')}", where=identifier, do="wait"
        )
    if spec.get("cloud") != "AWS":
        raise ConfigError(
            f"the cluster runs in {spec.get('cloud')}; here Confluent Cloud runs in AWS",
            where=identifier,
            do="adopt one in AWS, or make a new one and move topics over",
        )


def _network(api: ConfluentApi, environment: str, tier: str, spec: Mapping[str, Any]) -> tuple[str, str | None]:
    """How the cluster is reached, and the id of what it is reached by."""
    network = (spec.get("network") or {}).get("id")
    if tier == "dedicated":
        if not network:
            return "public", None
        found = api.get(f"/networking/v1/networks/{network}", environment=environment)
        kinds = (found.get("spec") or {}).get("connection_types") or []
        return next((_WAYS[kind] for kind in kinds if kind in _WAYS), "privatelink"), network
    if tier not in ("enterprise", "freight"):
        return "public", None
    query = {"environment": environment, "spec.region": str(spec["region"])}
    listed = api.get("/networking/v1/private-link-attachments", **query).get("data") or []
    return "privatelink", next((each["id"] for each in listed), None)


def _settings(
    outer: Mapping[str, Any],
    spec: Mapping[str, Any],
    status: Mapping[str, Any],
    tier: str,
    governance: str,
    way: str,
    network: str | None,
) -> list[Setting]:
    found = [
        Setting(("platform",), "confluent"),
        Setting(("confluent", "tier"), tier, "Basic can become Standard; every other change is another cluster"),
        Setting(("confluent", "region"), spec["region"], "a change replaces the cluster"),
        Setting(("confluent", "availability"), _availability(tier, spec), "a change replaces the cluster"),
    ]
    most = spec["config"].get("max_ecku")
    if tier == "dedicated":
        found.append(Setting(("confluent", "cku"), int(status.get("cku") or spec["config"]["cku"])))
        if network:
            found.append(Setting(("confluent", "networking"), way))
    elif most:
        found.append(Setting(("confluent", "max_ecku"), int(most), "how far it may scale by itself"))
    protected = bool(spec.get("deletion_protection"))
    remark = "true keeps it from being deleted" if not protected else ""
    found += [
        Setting(("confluent", "stream_governance"), governance),
        Setting(("confluent", "deletion_protection"), protected, remark),
        Setting(("confluent", "adopted", "environment_name"), outer["display_name"]),
        Setting(("confluent", "adopted", "cluster_name"), spec["display_name"]),
    ]
    if network:
        remark = "the way there is its owner's: nothing of it is made here"
        found.append(Setting(("confluent", "adopted", "network"), network, remark))
    return found


def _availability(tier: str, spec: Mapping[str, Any]) -> str:
    given = str(spec["availability"])
    return given.lower().replace("_", "-") if tier == "dedicated" else _AVAILABILITIES.get(given, given.lower())


def _dropped(tier: str, way: str, network: str | None) -> tuple[tuple[str, ...], ...]:
    names = ["max_ecku"] if tier == "dedicated" else ["cku", "networking"]
    if way == "public" or network:
        names += ["aws_account", "zone_ids", "cidr", "routes"]
    if way == "public":
        names.append("networking")
    return tuple(("confluent", name) for name in dict.fromkeys(names))


def _objects(
    outer: Mapping[str, Any], cluster: Mapping[str, Any], tier: str, governance: str
) -> dict[str, dict[str, Any]]:
    spec, status = cluster["spec"], cluster.get("status") or {}
    config = spec["config"]
    size = (
        {"cku": status.get("cku") or config.get("cku")} if tier == "dedicated" else {"max_ecku": config.get("max_ecku")}
    )
    kafka = {
        "id": cluster["id"],
        "display_name": spec["display_name"],
        "availability": _availability(tier, spec).upper().replace("-", "_"),
        "cloud": spec["cloud"],
        "region": spec["region"],
        "bootstrap_endpoint": spec.get("kafka_bootstrap_endpoint"),
        "rest_endpoint": spec.get("http_endpoint"),
        "deletion_protection": bool(spec.get("deletion_protection")),
        "environment": [{"id": outer["id"]}],
        tier: [size],
    }
    if (spec.get("network") or {}).get("id"):
        kafka["network"] = [{"id": spec["network"]["id"]}]
    made = {"id": outer["id"], "display_name": outer["display_name"]}
    if governance:
        made["stream_governance"] = [{"package": governance.upper()}]
    return {"confluent_environment.main": made, "confluent_kafka_cluster.main": kafka}
