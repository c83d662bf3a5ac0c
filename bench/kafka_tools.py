"""Kafka's own measuring tools, `EndToEndLatency` and `ProducerPerformance`, pinned by SHA-256 and run on the same Java
as the local platform's broker.

`kafka_tools.lock.json` lists the files; they are fetched once, into the same cache as the platform's own. `python -m
bench.kafka_tools --pin` resolves them again and rewrites the list.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import BenchError

__all__ = ["EndToEnd", "classpath", "client_properties", "end_to_end_latency", "producer_performance"]

LOCK_FILE = Path(__file__).with_name("kafka_tools.lock.json")
ROOTS = {"kafka-tools": ("org.apache.kafka:kafka-tools:4.3.1", "org.slf4j:slf4j-simple:1.7.36")}


@dataclass(frozen=True)
class EndToEnd:
    """What `EndToEndLatency` prints: the mean with its fraction, percentiles in whole milliseconds."""

    mean_ms: float
    p50_ms: int
    p99_ms: int


def classpath() -> str:
    """All files, fetched where they are missing.

    Raises:
        DownloadError: no network, or a file is not what it should be.
    """
    from modules.local.artifacts import load_lock
    from modules.local.download import fetch
    from modules.project import cache_dir

    repository = cache_dir() / "maven"
    files = load_lock(LOCK_FILE)["kafka-tools"].files
    missing = [file for file in files if not (repository / file.path).exists()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file: fetch(file, repository, lambda _amount: None, threading.Event()), missing))
    return os.pathsep.join(str(repository / file.path) for file in files)


def client_properties(settings: dict[str, Any], folder: Path, **more: str) -> Path:
    """A properties file (0600) with which a Java client logs in as librdkafka's settings say.

    SCRAM and no login are what the local platform and the tests have.
    """
    lines = [f"{name}={value}" for name, value in more.items()]
    if settings.get("security.protocol", "PLAINTEXT") != "PLAINTEXT":
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        login = f'username="{settings["sasl.username"]}" password="{settings["sasl.password"]}"'
        lines += [
            f"security.protocol={settings['security.protocol']}",
            f"sasl.mechanism={settings['sasl.mechanism']}",
            f"sasl.jaas.config={module} required {login};",
        ]
    path = folder / "client.properties"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")
    return path


def end_to_end_latency(settings: dict[str, Any], topic: str, count: int, size: int, acks: str = "all") -> EndToEnd:
    """One message after the other: sent, and received, before the next. It warms nothing up."""
    with tempfile.TemporaryDirectory() as folder:
        properties = client_properties(settings, Path(folder))
        said = _java(
            "org.apache.kafka.tools.EndToEndLatency",
            "--bootstrap-server", str(settings["bootstrap.servers"]), "--topic", topic, "--num-records", str(count),
            "--producer-acks", acks, "--record-size", str(size), "--command-config", str(properties),
        )  # fmt: skip
    mean = re.search(r"Avg latency: ([\d.]+) ms", said)
    percentiles = re.search(r"Percentiles: 50th = (\d+), 99th = (\d+)", said)
    if mean is None or percentiles is None:
        raise BenchError(f"EndToEndLatency did not say what was expected:\n{said[-2000:]}")
    return EndToEnd(float(mean[1]), int(percentiles[1]), int(percentiles[2]))


def producer_performance(settings: dict[str, Any], topic: str, count: int, size: int) -> float:
    """Records a second, as fast as the Java producer can, acks=all."""
    with tempfile.TemporaryDirectory() as folder:
        properties = client_properties(settings, Path(folder), acks="all")
        said = _java(
            "org.apache.kafka.tools.ProducerPerformance",
            "--topic", topic, "--num-records", str(count), "--record-size", str(size), "--throughput", "-1",
            "--bootstrap-server", str(settings["bootstrap.servers"]), "--command-config", str(properties),
        )  # fmt: skip
    rates = re.findall(r"([\d.]+) records/sec", said)
    if not rates:
        raise BenchError(f"ProducerPerformance did not say what was expected:\n{said[-2000:]}")
    return float(rates[-1])


def _java(program: str, *arguments: str) -> str:
    from modules.local.java import find_java

    command = [
        str(find_java().path), "-Xmx256m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
        "-cp", classpath(), program, *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise BenchError(f"{program} ended with {done.returncode}:\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """`--pin` rewrites the lock file."""
    from modules.local.artifacts import dump_lock, pin

    if arguments != ["--pin"]:
        sys.stderr.write("usage: python -m bench.kafka_tools --pin\n")
        return 1
    with tempfile.TemporaryDirectory() as work:
        LOCK_FILE.write_text(dump_lock(pin(Path(work), ROOTS).values()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
