"""Reachability and the clock: brokers, registry, and the services' own addresses, from name to TLS, with the cause.

The clock is held against the `Date` header of services that are asked anyway; logins with signed requests and key
pairs are refused where it is minutes off.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from modules.doctor.patient import Patient
from modules.environment.model import Environment
from modules.findings import Finding
from modules.platforms.reach import is_private, unreached, ways_in
from modules.terraform.command import AUTHORITIES

__all__ = ["Answer", "ask", "endpoints", "reach", "wants_endpoints", "wants_reach"]

_SECONDS = 6.0
_SKEW_WARN, _SKEW_FAIL = 30.0, 120.0
"""AWS refuses a signature that is 5 minutes off, Snowflake a token 60 seconds from the future."""


def wants_reach(patient: Patient, environment: Environment) -> bool:
    return environment.platform != "local"


def wants_endpoints(patient: Patient, environment: Environment) -> bool:
    return bool(_addresses(patient, environment))


def reach(patient: Patient) -> Iterator[Finding]:
    """The deployed brokers and registry."""
    environment = patient.load()
    if environment is None:
        return
    cluster = patient.outputs()
    if cluster is None:
        private = "its brokers will be private" if is_private(environment) else "its brokers will be public"
        yield Finding("reach", "ok", f"{environment.name} was never deployed from here; {private}")
        return
    lost = unreached(cluster)
    if lost:
        ways = ways_in(environment) if is_private(environment) else ()
        text = f"brokers or registry of {environment.name} cannot be reached from here"
        do = "check the network" if not ways else "go one of these ways"
        yield Finding("reach", "fail", text, do, (*map(str, lost), *ways))
        return
    settings = cluster.get("client_settings") or {}
    encrypted = "SSL" in str(settings.get("security.protocol", "")).upper()
    refused = _untrusted(patient, environment, str(cluster["bootstrap_servers"])) if encrypted else None
    if refused:
        yield refused
        return
    yield Finding("reach", "ok", f"brokers and registry of {environment.name} can be reached")


def _untrusted(patient: Patient, environment: Environment, brokers: str) -> Finding | None:
    """A broker whose TLS does not come about: another program on its port, or a certificate nobody here trusts."""
    context = ssl.create_default_context()
    for file in (patient.project.environment_state(environment.name) / AUTHORITIES).glob("*.pem"):
        context.load_verify_locations(file)
    reasons = []
    for broker in (each.strip().rpartition("://")[2] for each in brokers.split(",")):
        host, _, port = broker.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=_SECONDS) as plain:
                context.wrap_socket(plain, server_hostname=host).close()
            return None  # a client needs one
        except (OSError, ValueError) as error:
            reasons.append(f"{broker}: {_reason(error)}")
    do = "look whether another program (a proxy) answers there, and whether its authority is trusted here"
    return Finding(
        "reach", "fail", f"no broker of {environment.name} speaks TLS that is trusted here", do, tuple(reasons)
    )


@dataclass(frozen=True)
class Answer:
    """What came of asking an address: why not, or how far this clock is behind (negative: ahead), in seconds."""

    url: str
    reason: str | None = None
    behind: float | None = None


def endpoints(patient: Patient) -> Iterator[Finding]:
    """The services' public addresses, and the clock against them."""
    environment = patient.load()
    addresses = _addresses(patient, environment) if environment else {}
    if not addresses:
        return
    with ThreadPoolExecutor(len(addresses)) as pool:
        answers = list(pool.map(ask, addresses.values()))
    for name, answer in zip(addresses, answers, strict=True):
        host = urlsplit(answer.url).netloc
        if answer.reason:
            do = "check the network; behind a proxy set HTTPS_PROXY, in a closed network an endpoint or a route to it"
            yield Finding("endpoints", "fail", f"{name} ({host}): {answer.reason}", do)
        else:
            yield Finding("endpoints", "ok", f"{name} ({host}) answers over TLS")
    told = [(answer.behind, name) for name, answer in zip(addresses, answers, strict=True) if answer.behind is not None]
    if told:
        yield _skew(*min(told, key=lambda each: abs(each[0])))


def _skew(behind: float, name: str) -> Finding:
    text = f"this clock is {abs(behind):.0f} s {'behind' if behind > 0 else 'ahead of'} {name}'s"
    do = "set the clock (NTP): signed requests and logins with a key pair are refused otherwise"
    if abs(behind) >= _SKEW_FAIL:
        return Finding("clock skew", "fail", text, do)
    if abs(behind) >= _SKEW_WARN:
        return Finding("clock skew", "warn", text, do)
    return Finding("clock skew", "ok", f"within {max(1.0, abs(behind)):.0f} s of {name}'s")


def _addresses(patient: Patient, environment: Environment) -> dict[str, str]:
    found: dict[str, str] = {}
    if environment.platform == "local":
        return found
    if region := patient.region():
        found["AWS"] = f"https://sts.{region}.amazonaws.com/"
    if environment.platform == "confluent":
        found["Confluent Cloud"] = f"{patient.confluent}/"
    account = environment.warehouse.account
    if account is not None and environment.warehouse.engine == "terraform":
        host = f"{account.organization}-{account.account}.snowflakecomputing.com".lower().replace("_", "-")
        found["Snowflake"] = f"https://{host}/"
    return found


def ask(url: str) -> Answer:
    """One HEAD request; whatever the status, the service has answered."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxy = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(parts.scheme)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    begun = time.time()
    try:
        if proxy:
            through = urlsplit(proxy)
            connection = kind(through.hostname or "", through.port or 3128, timeout=_SECONDS)
            connection.set_tunnel(host, port)
        else:
            connection = kind(host, port, timeout=_SECONDS)
        try:
            connection.request("HEAD", parts.path or "/")
            date = connection.getresponse().getheader("Date")
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(url, _reason(error) + (" (through the proxy)" if proxy else ""))
    middle = (begun + time.time()) / 2
    try:
        return Answer(url, behind=_rounded(parsedate_to_datetime(date).timestamp() - middle) if date else None)
    except (TypeError, ValueError):
        return Answer(url)


def _rounded(seconds: float) -> float:
    """The header has whole seconds: less than one is nothing."""
    return 0.0 if -1.0 <= seconds <= 1.0 else seconds


def _reason(error: Exception) -> str:
    """The cause as people call it: name, connection, TLS."""
    if isinstance(error, socket.gaierror):
        return "its name is unknown here (DNS)"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS comes about: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError):
        return f"no answer in {_SECONDS:g} seconds (a firewall, or no route)"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused: nothing listens there"
    if isinstance(error, ConnectionResetError):
        return "the connection was cut off while TLS was set up"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
