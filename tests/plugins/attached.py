"""Plugins that answer from within the tests' own process; Terraform attaches to them instead of starting them.

Starting plugins, which Terraform does two to four times a command, is most of what a test of theirs would take. What is
served is the same. That Terraform starts the plugins itself is shown where nothing is attached: by the tests of the
whole program on a local platform, of the servicer and of the simulated providers.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2_grpc as rpc

from modules.local.plugins.protocol.resource import Provider
from modules.local.plugins.protocol.serve import new_server
from modules.local.plugins.protocol.servicer import ProviderServicer
from modules.simulated.provider import SimulatedProvider
from modules.simulated.provider_names import SNAPSHOTS

__all__ = ["AttachedPlugin", "attached", "simulations"]

_VARIABLE = "TF_REATTACH_PROVIDERS"


class _Servicer(ProviderServicer):
    def __init__(self, make: Callable[[], Provider], *, anew: bool) -> None:
        super().__init__(make())
        self._make = make
        self._anew = anew
        self._schema = cache(super().GetProviderSchema)

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return self._schema(None, None)

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        if self._anew:
            before, self.provider = self.provider, self._make()
            before.close()
        return super().ConfigureProvider(request, context)


class AttachedPlugin:
    """A provider on a socket in a folder only this user can enter.

    Args:
        make: the provider.
        anew: each configuration is that of a fresh provider, as it is where each start is a process of its own; not for
            providers that several commands use at once.
    """

    def __init__(self, make: Callable[[], Provider], *, anew: bool = True) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="infra-attached-")
        self._socket = str(Path(self._folder.name) / "socket")
        self._servicer = _Servicer(make, anew=anew)
        self._server = new_server(lambda: None)
        rpc.add_ProviderServicer_to_server(self._servicer, self._server)
        self._server.add_insecure_port(f"unix://{self._socket}")
        self._server.start()

    @property
    def address(self) -> str:
        return f"registry.terraform.io/{self._servicer.provider.schema.source}"

    @property
    def where(self) -> dict[str, Any]:
        """As Terraform reads it from its environment. A `Test` is neither stopped by it nor told goodbye."""
        return {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": self._socket},
        }

    def close(self) -> None:
        self._server.stop(grace=0).wait(5)
        self._servicer.provider.close()
        self._folder.cleanup()


@contextmanager
def attached(*plugins: AttachedPlugin) -> Iterator[None]:
    """Terraform that is started meanwhile finds these plugins."""
    os.environ[_VARIABLE] = json.dumps({plugin.address: plugin.where for plugin in plugins})
    try:
        yield
    finally:
        del os.environ[_VARIABLE]


@contextmanager
def simulations(store: Path) -> Iterator[None]:
    """What a rehearsal started meanwhile finds: every simulated provider, with its objects in `store`."""
    with ExitStack() as stack:
        plugins = [AttachedPlugin(partial(SimulatedProvider, source, store), anew=False) for source in SNAPSHOTS]
        for plugin in plugins:
            stack.callback(plugin.close)
        stack.enter_context(attached(*plugins))
        yield
