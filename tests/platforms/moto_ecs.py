"""What moto lacks of ECS, in front of it: services whose tasks come up, and all of a service that was asked for.

moto 5.2 starts no task of a service, so that one is never steady; forgets how a service is deployed, placed and given
volumes; and knows nothing of its deployments, which newer plugins ask about. Tasks run here as soon as they are wanted.
Shaped as the service's API reference says (DescribeServices, ListServiceDeployments, DescribeServiceDeployments).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

__all__ = ["Ecs"]

Start = Callable[..., Any]
Document = dict[str, Any]

_SERVICE = "AmazonEC2ContainerServiceV20141113."
_ASKED = (
    "availabilityZoneRebalancing", "deploymentConfiguration", "enableECSManagedTags", "enableExecuteCommand",
    "healthCheckGracePeriodSeconds", "placementConstraints", "placementStrategy", "platformVersion", "propagateTags",
)  # fmt: skip
"""Keys of a request that a description repeats."""


@dataclass
class Ecs:
    """moto's WSGI application, with services as they were asked for."""

    inner: Callable[..., Any]
    asked: dict[tuple[str, str], Document] = field(default_factory=dict)

    def __call__(self, environ: Document, start: Start) -> Any:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(_SERVICE):
            return self.inner(environ, start)
        action = target.removeprefix(_SERVICE)
        raw = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        request: Document = json.loads(raw or b"{}")
        if action == "ListServiceDeployments":
            return _answer(start, {"serviceDeployments": self._deployments(request["cluster"], request["service"])})
        if action == "DescribeServiceDeployments":
            arns = request["serviceDeploymentArns"]
            found = [each for arn in arns for each in self._deployments(*arn.split("/")[1:3])]
            return _answer(start, {"serviceDeployments": found, "failures": []})
        if action not in ("CreateService", "UpdateService", "DescribeServices", "DeleteService"):
            return self.inner({**environ, "wsgi.input": BytesIO(raw)}, start)
        return self._service(action, request, {**environ, "wsgi.input": BytesIO(raw)}, start)

    def _service(self, action: str, request: Document, environ: Document, start: Start) -> Any:
        said: list[Any] = []
        body = b"".join(self.inner(environ, lambda *given: said.extend(given)))
        status, headers = said[0], said[1]
        if not status.startswith("200"):
            start(status, headers)
            return [body]
        answer: Document = json.loads(body)
        if action in ("CreateService", "UpdateService"):
            key = (_name(request.get("cluster", "default")), _name(request.get("serviceName") or request["service"]))
            self.asked[key] = {**self.asked.get(key, {}), **request}
        for service in answer.get("services", [answer["service"]] if "service" in answer else []):
            self._complete(service)
        return _answer(start, answer)

    def _complete(self, service: Document) -> None:
        """Adds what was asked for, and that all of it is there."""
        asked = self.asked.get((_name(service["clusterArn"]), service["serviceName"]), {})
        service |= {name: asked[name] for name in _ASKED if name in asked}
        running = service["desiredCount"] if service["status"] == "ACTIVE" else 0
        service |= {"runningCount": running, "pendingCount": 0}
        for deployment in service.get("deployments", [])[:1]:
            deployment |= {"runningCount": running, "pendingCount": 0, "rolloutState": "COMPLETED"}
            if "volumeConfigurations" in asked:
                deployment["volumeConfigurations"] = asked["volumeConfigurations"]
        del service.get("deployments", [])[1:]

    def _deployments(self, cluster: str, service: str) -> list[Document]:
        """The one deployment of a service, which has gone well."""
        from moto.ecs.models import ecs_backends

        found = []
        for backends in ecs_backends.values():
            for backend in backends.values():
                for each in backend.services.values():
                    if (_name(each.cluster_arn), each.name) == (_name(cluster), _name(service)):
                        number = each.deployments[0]["id"].partition("/")[2]
                        path = f"{_name(cluster)}/{each.name}/{number}"
                        arn = each.arn.partition(":service/")[0]
                        found.append(
                            {
                                "serviceDeploymentArn": f"{arn}:service-deployment/{path}",
                                "serviceArn": each.arn,
                                "clusterArn": each.cluster_arn,
                                "targetServiceRevisionArn": f"{arn}:service-revision/{path}",
                                "status": "SUCCESSFUL",
                            }
                        )
        return found


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def _answer(start: Start, body: Document) -> list[bytes]:
    start("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(body).encode()]
