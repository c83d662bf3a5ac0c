"""Plugins that answer from within the tests' own process; Terraform attaches to them instead of starting them.

Starting a plugin, which Terraform does two to four times a command, is most of what a plugin's test would take. What is
served is the same; a provider that is configured is a fresh one each time, as it is in a process of its own. That
Terraform starts the plugins itself is what the tests of the whole program show, and those of the servicer.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2_grpc as rpc

from modules.local.plugins.protocol.resource import Provider
from modules.local.plugins.protocol.serve import new_server
from modules.local.plugins.protocol.servicer import ProviderServicer

__all__ = ["AttachedPlugin"]

_VARIABLE = "TF_REATTACH_PROVIDERS"


class _FreshWhenConfigured(ProviderServicer):
    def __init__(self, make: Callable[[], Provider]) -> None:
        super().__init__(make())
        self._make = make

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        before, self.provider = self.provider, self._make()
        before.close()
        return super().ConfigureProvider(request, context)


class AttachedPlugin(AbstractContextManager["AttachedPlugin"]):
    """A provider on a socket in a folder only this user can enter. Within `with`, Terraform finds it there."""

    def __init__(self, make: Callable[[], Provider]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="infra-attached-")
        socket = str(Path(self._folder.name) / "socket")
        servicer = _FreshWhenConfigured(make)
        self._server = new_server(lambda: None)
        rpc.add_ProviderServicer_to_server(servicer, self._server)
        self._server.add_insecure_port(f"unix://{socket}")
        self._server.start()
        address = f"registry.terraform.io/{servicer.provider.schema.source}"
        self._where = {
            address: {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                # Terraform neither stops it nor says goodbye.
                "Test": True,
                "Addr": {"Network": "unix", "String": socket},
            }
        }

    def __enter__(self) -> AttachedPlugin:
        os.environ[_VARIABLE] = json.dumps(self._where)
        return self

    def __exit__(self, *_: object) -> None:
        os.environ.pop(_VARIABLE, None)
