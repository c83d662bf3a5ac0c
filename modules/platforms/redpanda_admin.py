"""Redpanda's Admin API (port 9644), as far as replacing brokers needs it: one look at the cluster, one request.

Whoever does not answer or is starting is no error here but part of the view; a refusal is one.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.errors import ServiceError
from modules.platforms.redpanda_roll import Broker, Health, View

__all__ = ["ADMIN_PORT", "AdminApi", "view_of"]

ADMIN_PORT = 9644

_TIMEOUT = 10.0


@dataclass(frozen=True)
class AdminApi:
    """One cluster's Admin API, by its brokers' addresses.

    Attributes:
        urls: address → base URL.
        username: the administrator.
        password: its password.
        context: trusts the cluster's authority; None for plain HTTP.
    """

    urls: Mapping[str, str]
    username: str
    password: str = field(repr=False)
    context: ssl.SSLContext | None = None

    def any(self, method: str, path: str) -> Any:
        """The answer of the first broker that gives one; None where none answers.

        Raises:
            ServiceError: one refused.
        """
        for address in self.urls:
            answer = self.ask(address, method, path)
            if answer is not None:
                return answer
        return None

    def ask(self, address: str, method: str, path: str) -> Any:
        """One broker's answer (an empty one is `{}`); None where it does not answer or is starting.

        Raises:
            ServiceError: it refused.
        """
        url = self.urls[address] + path
        request = urllib.request.Request(url, method=method)  # noqa: S310 - https, but for a test's own server
        token = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        try:
            with _opener(self.context).open(request, timeout=_TIMEOUT) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            if error.code >= 500:
                return None
            raise ServiceError(
                f"Redpanda refused {method} {path} (HTTP {error.code}: {_reason(error)})",
                where=self.urls[address],
                do="check the administrator's secret; `infra deploy` again goes on from here",
            ) from None
        except ssl.SSLCertVerificationError as error:
            raise _untrusted(self.urls[address], error) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise _untrusted(self.urls[address], error.reason) from None
            return None
        except (OSError, ValueError):
            return None


def _opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Straight to the broker: a proxy on the way out of the network does not lead back in."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read())["message"])
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)


def _untrusted(url: str, error: ssl.SSLCertVerificationError) -> ServiceError:
    return ServiceError(
        f"the broker's certificate is not one of the cluster's authority ({error.verify_message})",
        where=url,
        do="check `redpanda.certificate`, or raise `redpanda.secrets_version` to have new ones made",
    )


def view_of(
    api: AdminApi, seeds: Sequence[str], started: Sequence[str], before: str | None, leaving: frozenset[str]
) -> View:
    """One look at the cluster."""
    brokers, health, risks = None, None, None
    ready = frozenset(each for each in started if _is_ready(api.ask(each, "GET", "/v1/status/ready")))
    if started:
        listed, overview = api.any("GET", "/v1/brokers"), api.any("GET", "/v1/cluster/health_overview")
        brokers = tuple(_broker(each) for each in listed) if isinstance(listed, list) else None
        health = _health(overview) if isinstance(overview, dict) else None
    if before is not None and before in started and brokers is not None:
        probe = api.ask(before, "GET", "/v1/broker/pre_restart_probe")
        found = probe.get("risks") if isinstance(probe, dict) else None
        risks = {str(risk): len(partitions) for risk, partitions in found.items()} if found is not None else None
    return View(tuple(started), tuple(seeds), brokers, health, ready, before, risks, leaving)


def _is_ready(answer: Any) -> bool:
    return isinstance(answer, dict) and answer.get("status") == "ready"


def _broker(found: Mapping[str, Any]) -> Broker:
    return Broker(
        id=int(found["node_id"]),
        address=str(found.get("internal_rpc_address", "")),
        alive=bool(found.get("is_alive")),
        draining=found.get("membership_status") != "active",
        maintenance=bool((found.get("maintenance_status") or {}).get("draining")),
    )


def _health(found: Mapping[str, Any]) -> Health:
    return Health(
        healthy=bool(found.get("is_healthy")),
        leaderless=int(found.get("leaderless_count", len(found.get("leaderless_partitions", ())))),
        under_replicated=int(found.get("under_replicated_count", len(found.get("under_replicated_partitions", ())))),
        reasons=tuple(str(each).replace("_", " ") for each in found.get("unhealthy_reasons", ())),
    )
