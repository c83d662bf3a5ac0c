"""moto as an AWS on loopback, with what it lacks of MSK: states that are reached, configurations, addresses, users.
What it lacks of ECS is in `moto_ecs.py`; the machines' images that it knows by name only are made here.

moto 5.2 leaves a cluster CREATING for ever, has no configurations, bootstrap brokers or SCRAM secrets, and answers a
question about a deleted cluster with an error of its own. What is added here is kept in this process and shaped as the
service's API reference says; whatever else is asked goes to moto.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tests.platforms.moto_ecs import Ecs

__all__ = ["serving"]

Start = Callable[..., Any]
_CLUSTER = re.compile(r"/(?:v1|api/v2)/clusters/(arn:[^/]+/[^/]+)(?:/([a-z-]+))?")
_CONFIGURATION = re.compile(r"/v1/configurations(?:/(arn:[^/]+/[^/]+/[^/]+)(?:/revisions/(\d+))?)?")
_REGION, _ACCOUNT = "us-east-1", "123456789012"
_IMAGES = tuple(f"/aws/service/ecs/optimized-ami/amazon-linux-2023/{arm}recommended/image_id" for arm in ("", "arm64/"))
_ROOT_DEVICE = "/dev/xvda"
"""Of Amazon's ECS-optimised images."""


@dataclass
class _Msk:
    """moto's WSGI application with the gaps filled."""

    inner: Callable[..., Any]
    configurations: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start: Start) -> Any:
        if "/kafka/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
            return self.inner(environ, start)
        path, method = unquote(environ["PATH_INFO"]), environ["REQUEST_METHOD"]
        if match := _CONFIGURATION.fullmatch(path):
            return _answer(start, self._configuration(method, match[1], match[2], environ))
        if (match := _CLUSTER.fullmatch(path)) and (match[2] in ("bootstrap-brokers", "scram-secrets")):
            known = self._cluster(match[1])
            return _answer(start, None if known is None else self._of_cluster(method, match[1], match[2], environ))
        if match and match[2] is None and self._cluster(match[1]) is None:
            return _answer(start, None)
        return self.inner(environ, start)

    def _cluster(self, arn: str) -> Any:
        from moto.kafka.models import kafka_backends

        return kafka_backends[_ACCOUNT][_REGION].clusters.get(arn)

    def _configuration(
        self, method: str, arn: str | None, revision: str | None, environ: dict[str, Any]
    ) -> dict[str, Any] | None:
        if arn is None:
            body = _body(environ)
            arn = f"arn:aws:kafka:{_REGION}:{_ACCOUNT}:configuration/{body['name']}/11111111-1111-1111-1111-1-1"
            self.configurations[arn] = body
        found = self.configurations.get(arn)
        if found is None:
            return None
        if method == "DELETE":
            del self.configurations[arn]
        latest = {"revision": 1, "creationTime": "2026-11-01T00:00:00Z", "description": found.get("description", "")}
        if revision:
            return {"arn": arn, **latest, "serverProperties": found["serverProperties"]}
        head = {"arn": arn, "name": found["name"], "creationTime": latest["creationTime"], "state": "ACTIVE"}
        return {**head, "kafkaVersions": found.get("kafkaVersions") or [], "latestRevision": latest}

    def _of_cluster(self, method: str, arn: str, what: str, environ: dict[str, Any]) -> dict[str, Any]:
        if what == "bootstrap-brokers":
            brokers = {port: ",".join(f"b-{n}.x.kafka.{_REGION}.amazonaws.com:{port}" for n in (1, 2, 3))
                       for port in (9096, 9098)}  # fmt: skip
            return {
                "bootstrapBrokerStringSaslScram": brokers[9096],
                "bootstrapBrokerStringSaslIam": brokers[9098],
            }
        users = self.users.setdefault(arn, [])
        if method == "GET":
            return {"secretArnList": users}
        given = _body(environ)["secretArnList"]
        self.users[arn] = [each for each in users if each not in given] + (given if method == "POST" else [])
        return {"clusterArn": arn, "unprocessedScramSecrets": []}


def _body(environ: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
    return found


def _answer(start: Start, body: dict[str, Any] | None) -> list[bytes]:
    """The body, or that there is no such thing."""
    headers = [("Content-Type", "application/json")]
    if body is None:
        start("404 Not Found", [*headers, ("x-amzn-errortype", "NotFoundException")])
        return [json.dumps({"message": "there is no such thing"}).encode()]
    start("200 OK", headers)
    return [json.dumps(body).encode()]


def _make_images() -> None:
    """The images that moto's parameters name: EC2 there knows nothing of them, and so of no root device."""
    from moto.ec2.models import ec2_backends
    from moto.ec2.models.amis import Ami
    from moto.ssm.models import ssm_backends

    backend = ec2_backends[_ACCOUNT][_REGION]
    for name, architecture in zip(_IMAGES, ("x86_64", "arm64"), strict=True):
        found = ssm_backends[_ACCOUNT][_REGION].get_parameter(name)
        assert found is not None, f"moto has no parameter {name}"
        backend.amis[found.value] = Ami(
            backend, found.value, name=name, architecture=architecture, root_device_type="ebs",
            root_device_name=_ROOT_DEVICE, virtualization_type="hvm", hypervisor="xen", public=True,
        )  # fmt: skip


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    """The address of an AWS without anything in it."""
    from moto.backends import get_backend
    from moto.kafka.models import FakeKafkaCluster
    from moto.server import DomainDispatcherApplication, create_backend_app

    made = FakeKafkaCluster.__init__

    def active(self: Any, *arguments: Any, **named: Any) -> None:
        made(self, *arguments, **{**named, "state": "ACTIVE"})

    for service in ("kafka", "ecs", "ec2"):
        get_backend(service).reset()
    _make_images()
    with patch.object(FakeKafkaCluster, "__init__", active):
        application = Ecs(_Msk(DomainDispatcherApplication(create_backend_app)))
        server = make_server("127.0.0.1", 0, application, server_class=WSGIServer, handler_class=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(10)
