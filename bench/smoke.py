"""`infra smoke` beside Kafka's own tools, against one local broker, in one run.

`EndToEndLatency` sends a message, waits until it is back, and sends the next; the smoke engine sends at a rate at which
one message is under way at a time, of the same size and with the same acks. Rounds of both take turns, so that a busy
machine moves both. What is compared are the means, since the tool prints its percentiles in whole milliseconds.
`ProducerPerformance` is set beside the producer of the run in the same way.
"""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import Figure
from bench.kafka_tools import end_to_end_latency, producer_performance
from bench.project import local_platform

__all__ = ["Round", "Throughput", "bench", "latency_rounds", "median_ratio", "throughput_rounds"]

ROUNDS = 7
SIZE = 1024
MESSAGES = 3_000
"""The tool warms nothing up, so its first messages are slow: with many they weigh little in its mean."""
WARMUP = 1_000
SHARE = 0.4
"""Of the rate at which a closed loop goes: so that messages seldom meet."""
MOST_SECONDS = 12
RECORDS = 200_000


@dataclass(frozen=True)
class Round:
    """One turn of both. Milliseconds."""

    tool_mean: float
    mean: float
    sender_late: float
    """How late the engine handed messages over, on average: the harness's own share of `mean`."""
    rate: float

    @property
    def ratio(self) -> float:
        return self.mean / self.tool_mean


@dataclass(frozen=True)
class Throughput:
    """One turn of both producers, records a second."""

    tool: float
    own: float


class _Fixed:
    """The same key and value every time: what is measured is the way, not the making."""

    def __init__(self, size: int) -> None:
        self._event = b"key", b"x" * size

    def next(self) -> tuple[bytes, bytes]:
        return self._event


def median_ratio(rounds: Sequence[Round]) -> float:
    """The engine's mean beside the tool's in the middle one of the rounds."""
    return statistics.median(one.ratio for one in rounds)


def bench() -> Iterator[Figure]:
    """Means, the harness's share, and throughput."""
    from modules.environment import load_environment
    from modules.platforms import platform_for
    from modules.project import Project

    with local_platform(deployed=False) as folder:
        project = Project(folder.root)
        settings = platform_for(load_environment(project, "local"), project).kafka_client("admin")
        rounds = list(latency_rounds(settings, ROUNDS))
        yield _median("EndToEndLatency, mean", [one.tool_mean for one in rounds], "ms", note=f"{SIZE} bytes, acks=all")
        yield _median("infra smoke, mean to consumed", [one.mean for one in rounds], "ms")
        yield _median("smoke beside EndToEndLatency", [one.ratio for one in rounds], "×", "≤ 1.15")
        yield _median("harness: sender late, mean", [one.sender_late for one in rounds], "ms", note="in smoke's mean")
        throughput = list(throughput_rounds(settings, 3))
        yield _median("ProducerPerformance", [one.tool for one in throughput], "records/s")
        yield _median("the run's producer", [one.own for one in throughput], "records/s")
        yield _median("producer beside ProducerPerformance", [one.own / one.tool for one in throughput], "×")


def latency_rounds(settings: dict[str, Any], rounds: int, messages: int = MESSAGES) -> Iterator[Round]:
    """Turns of `EndToEndLatency` and the engine on a topic of one partition, made and removed here."""
    with _Topic(settings) as topic:
        for _ in range(rounds):
            tool = end_to_end_latency(settings, topic, messages, SIZE).mean_ms
            yield _engine(settings, topic, tool, messages)


def throughput_rounds(settings: dict[str, Any], rounds: int, records: int = RECORDS) -> Iterator[Throughput]:
    """Turns of `ProducerPerformance` and the run's producer, both as fast as they can."""
    with _Topic(settings) as topic:
        for _ in range(rounds):
            yield Throughput(producer_performance(settings, topic, records, SIZE), _flood(settings, topic, records))


def _engine(settings: dict[str, Any], topic: str, tool_mean: float, messages: int) -> Round:
    from modules.smoke.engine import Engine, Transports
    from modules.smoke.figures import results
    from modules.smoke.kafka import KafkaReceiving, KafkaSending
    from modules.smoke.load import LoadPlan

    rate = SHARE * 1000 / tool_mean
    run = uuid.uuid4().hex[:12]
    sending, receiving = KafkaSending(settings, topic, run, 30), KafkaReceiving(settings, topic, run, "local")
    try:
        receiving.ready(20)
        # A tool that a busy machine slows down makes for a low rate: no round is to take minutes for it.
        plan = LoadPlan(rate, min(messages, int(rate * MOST_SECONDS)), min(WARMUP, int(rate * 2)))
        engine = Engine(plan, 30 * 10**9, Transports(_Fixed(SIZE), sending, receiving))
        engine.run(lambda: None)
    finally:
        receiving.close()
        sending.close()
    consumed = results(engine.ledger, engine.deadline)[1].summary
    if consumed.lost or consumed.mean is None:
        raise AssertionError(f"{consumed.lost} messages did not come back")
    return Round(tool_mean, consumed.mean / 1e6, statistics.fmean(engine.sender.late) / 1e6, rate)


def _flood(settings: dict[str, Any], topic: str, records: int) -> float:
    from modules.smoke.kafka import KafkaSending
    from modules.smoke.transport import Answer, QueueFullError

    # As ProducerPerformance does by default since Kafka 4; a run itself does not linger.
    sending = KafkaSending(settings, topic, uuid.uuid4().hex[:12], 60, producer={"linger.ms": 5})
    delivered = 0

    def count(answer: Answer) -> None:
        nonlocal delivered
        delivered += answer.failure is None

    try:
        sending.check("local")
        key, value = _Fixed(SIZE).next()
        began = time.perf_counter()
        for number in range(records):
            while True:
                try:
                    sending.send(number, key, value)
                    break
                except QueueFullError:
                    sending.serve(0.01, count)
            if number % 500 == 0:
                sending.serve(0, count)
        while delivered < records:
            sending.serve(0.1, count)
        return records / (time.perf_counter() - began)
    finally:
        sending.close()


class _Topic:
    """A topic of one partition, for as long as it is needed."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from confluent_kafka.admin import AdminClient

        self._admin = AdminClient(settings)
        self._name = f"bench-smoke-{uuid.uuid4().hex[:8]}"

    def __enter__(self) -> str:
        from confluent_kafka.admin import NewTopic

        self._admin.create_topics([NewTopic(self._name, 1, 1)])[self._name].result(20)
        return self._name

    def __exit__(self, *_: object) -> None:
        self._admin.delete_topics([self._name])[self._name].result(20)


def _median(name: str, values: list[float], unit: str, aim: str = "", note: str = "") -> Figure:
    spread = f"median of {len(values)}: {min(values):.3g} to {max(values):.3g}"
    return Figure("smoke", name, statistics.median(values), unit, aim, f"{spread}; {note}" if note else spread)
