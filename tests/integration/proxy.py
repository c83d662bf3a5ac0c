"""TCP proxies that hold traffic up for a known time, and a broker that is reached through them.

A proxy delays what passes without slowing the rest: each piece is passed on so much later than it came, however many
are under way. The broker gets one more listener for each proxy and advertises the proxy's address on it, so that a
client that is told a proxy's address stays behind it, whatever the broker tells it later.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from modules.local import artifacts, kafka, supervisor
from modules.local.java import find_java
from modules.local.ports import HOST, choose, load_ports
from modules.project import Project


class Proxy:
    """Passes connections on to one port. `there` and `back` are seconds by which requests and answers are late."""

    def __init__(self, loop: asyncio.AbstractEventLoop, target: int = 0) -> None:
        self.target = target
        self.port = 0
        self.there = 0.0
        self.back = 0.0
        self.held_until = 0.0
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def hold(self, seconds: float) -> None:
        """Pass nothing on, in either direction, for so long."""
        self.held_until = time.monotonic() + seconds

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection(HOST, self.target)
            await asyncio.gather(self._pass(reader, back, "there"), self._pass(there, writer, "back"))
        except OSError:
            writer.close()
        finally:
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        writing = asyncio.ensure_future(self._write(pieces, writer))
        try:
            while piece := await reader.read(65_536):
                pieces.put_nowait((time.monotonic() + getattr(self, way), piece))
        except OSError:
            pass
        finally:
            pieces.put_nowait((0.0, b""))
            await writing

    async def _write(self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                due, piece = await pieces.get()
                if not piece:
                    break
                while (early := max(due, self.held_until) - time.monotonic()) > 0:  # noqa: ASYNC110
                    await asyncio.sleep(early)
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def proxies(count: int) -> Iterator[list[Proxy]]:
    """So many proxies in one thread; they get their target later."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies")
    thread.start()
    made = [Proxy(loop) for _ in range(count)]
    try:
        for each in made:
            asyncio.run_coroutine_threadsafe(each.listen(), loop).result(10)
        yield made
    finally:
        for each in made:
            asyncio.run_coroutine_threadsafe(each.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@dataclass(frozen=True)
class Behind:
    """Client settings that lead through a proxy."""

    proxy: Proxy

    def kafka(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {**settings, "bootstrap.servers": f"{HOST}:{self.proxy.port}"}


def restart_kafka_behind(project: Project, memory: int, by_name: dict[str, Proxy]) -> None:
    """Restart the local platform's broker with a listener for each proxy, named after it."""
    ports = load_ports(project.local / "ports.json")
    supervisor.stop(project.local, kafka.NAME)
    files = artifacts.ensure()
    setup = kafka.KafkaSetup(
        find_java(), files.kafka_classpath, ports["kafka_port"], ports["kafka_controller_port"], memory
    )
    service = kafka.kafka_service(project, setup)
    inner = dict(zip(by_name, _free_ports(len(by_name), set(ports.values())), strict=True))
    for name, proxy in by_name.items():
        proxy.target = inner[name]
    own = {"CLIENT": setup.port, "CONTROLLER": setup.controller_port}
    advertised = {"CLIENT": setup.port, **{name: proxy.port for name, proxy in by_name.items()}}
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    settings = {
        "listeners": _listeners({**own, **inner}),
        "advertised.listeners": _listeners(advertised),
        "listener.security.protocol.map": ",".join(f"{name}:SASL_PLAINTEXT" for name in (*own, *inner)),
        **{f"listener.name.{name.lower()}.scram-sha-256.sasl.jaas.config": scram for name in inner},
    }
    # Of a name that is there twice the last one counts.
    with (project.local / "run" / "kafka.properties").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    supervisor.start(project.local, service)


def _listeners(ports: dict[str, int]) -> str:
    return ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())


def _free_ports(count: int, taken: set[int]) -> list[int]:
    found: list[int] = []
    for number in range(count):
        found.append(choose(f"listener {number}", None, None, {*taken, *found}))
    return found
