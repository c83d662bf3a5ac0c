"""The life of a plugin process: go-plugin's handshake, the gRPC server, and an end when Terraform ends.

The certificate is made anew for each process and never touches the disk. The client's certificate cannot be checked
(go-plugin's is P-521, which gRPC's TLS library refuses); the socket lies in a folder only the user can enter instead.
Handshake: https://github.com/hashicorp/go-plugin/blob/main/docs/guide-plugin-write-non-go.md
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from tf.gen import grpc_controller_pb2 as controller_pb
from tf.gen import grpc_controller_pb2_grpc as controller_rpc
from tf.gen import grpc_stdio_pb2_grpc as stdio_rpc
from tf.gen import tfplugin_pb2_grpc as rpc

from modules.local.plugins.protocol.resource import Provider
from modules.local.plugins.protocol.servicer import ProviderServicer

__all__ = ["add_provider", "new_server", "serve"]

_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
_LONGEST_SOCKET = 100
"""Bytes: `sun_path` has 108 on Linux and 104 on macOS."""
_WORKERS = 128
"""Threads are made on demand; the number only has to exceed any sensible `-parallelism`."""


def serve(provider: Provider) -> None:
    """Run a plugin until Terraform shuts it down or dies. Ends the process."""
    if os.environ.get("TF_PLUGIN_MAGIC_COOKIE") != _COOKIE:
        print(f"This is the {provider.title} {provider.schema.version}; Terraform starts it.", file=sys.stderr)
        raise SystemExit(1)
    # Terraform gets Ctrl-C as well and tells its plugins what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    folder = _own_folder()
    done = threading.Event()
    server = new_server(done.set)
    add_provider(server, provider)
    certificate, credentials = _certificate()
    socket = f"{folder}/socket"
    server.add_secure_port(f"unix://{socket}", credentials)
    server.start()
    encoded = base64.b64encode(certificate).decode().rstrip("=")
    print(f"1|6|unix|{socket}|grpc|{encoded}", flush=True)
    while not done.wait(0.5):
        if os.getppid() != parent:
            break
    server.stop(grace=0.05).wait(1)
    with contextlib.suppress(Exception):
        provider.close()
    shutil.rmtree(folder, ignore_errors=True)
    # Terraform waits for the process; interpreter and library clean-up would only make it wait longer.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _own_folder() -> str:
    """A folder that only the user can enter, with a name that is short enough for a socket in it."""
    folder = tempfile.mkdtemp(prefix="infra-plugin-")
    if len(os.fsencode(f"{folder}/socket")) <= _LONGEST_SOCKET:
        return folder
    shutil.rmtree(folder)
    return tempfile.mkdtemp(prefix="infra-plugin-", dir="/tmp")


def new_server(on_shutdown: Callable[[], None]) -> Any:
    """A gRPC server with go-plugin's own services; `on_shutdown` is called when Terraform says goodbye."""

    class Controller(controller_rpc.GRPCControllerServicer):  # type: ignore[misc]
        def Shutdown(self, request: Any, context: Any) -> Any:
            on_shutdown()
            return controller_pb.Empty()

    class Stdio(stdio_rpc.GRPCStdioServicer):  # type: ignore[misc]
        def StreamStdio(self, request: Any, context: Any) -> Any:
            return iter(())

    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    controller_rpc.add_GRPCControllerServicer_to_server(Controller(), server)
    stdio_rpc.add_GRPCStdioServicer_to_server(Stdio(), server)
    return server


def add_provider(server: Any, provider: Provider) -> None:
    """Serve a provider."""
    rpc.add_ProviderServicer_to_server(ProviderServicer(provider), server)


def _certificate() -> tuple[bytes, Any]:
    """A self-signed certificate for `localhost`: its DER form for the handshake, and the server's credentials."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    credentials = grpc.ssl_server_credentials([(private, certificate.public_bytes(serialization.Encoding.PEM))])
    return certificate.public_bytes(serialization.Encoding.DER), credentials
