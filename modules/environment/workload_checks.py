"""What is wrong with a workload: amounts nobody has, readers that cannot be, a low month above the expected one.

Limits here are those of common sense, far above what any platform carries; whether a platform carries the workload is
the cost report's `does not fit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from modules.environment.document import Problem
from modules.environment.types import DataRateValue, DataSizeValue, DurationValue
from modules.environment.warehouse_declared import closest
from modules.environment.warehouse_presets import completed
from modules.environment.workload import Reader, Scenario, Workload, in_scenario, reader_warehouse

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["check"]

_MOST_RATE = 10**11
"""Bytes a second: some ten times the largest cluster that any of the platforms offers."""

_MOST_MESSAGE = 2**30
_YEAR = 365 * 86_400_000
_MOST_YEARS = 100

_GROWING = (
    "ingress", "fan_out", "retention", "peak_to_mean", "compression", "sink_share", "rows_kept",
    "cloud_services_per_day",
)  # fmt: skip
"""What a low month has no more of than the expected one, and a high month no less."""


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """Every problem of the `workload:` section."""
    checked = _Checked(environment, positions)
    workload = environment.workload
    yield from checked.amounts(workload)
    yield from checked.readers(workload)
    yield from checked.one_of_two(workload)
    for name in ("low", "high"):
        scenario: Scenario | None = getattr(workload, name)
        if scenario is not None:
            yield from checked.amounts(scenario, name)
            yield from checked.readers(scenario, name)
            yield from checked.one_of_two(scenario, name)
    yield from checked.order()


class _Checked:
    """`workload` beside its environment."""

    def __init__(self, environment: Environment, positions: Positions) -> None:
        self._environment = environment
        self._positions = positions

    def amounts(self, its: Workload | Scenario, *at: str) -> Iterator[Problem]:
        ingress, message = its.ingress, its.message_size
        if ingress is not None and ingress.bytes < 1:
            yield self._problem("must be more than nothing", *at, "ingress")
        elif ingress is not None and ingress.bytes_per_second > _MOST_RATE:
            unit = 10**12 if ingress.bytes_per_second >= 10**12 else 10**9
            a_second = DataSizeValue(int(ingress.bytes_per_second / unit) * unit)
            yield self._problem(
                f"{ingress} is about {a_second}/s; no cluster carries more than 100GB/s. Is the unit right?",
                *at, "ingress",
            )  # fmt: skip
        if message is not None and message.bytes < 1:
            yield self._problem("must be more than nothing", *at, "message_size")
        elif message is not None and message.bytes > _MOST_MESSAGE:
            yield self._problem(f"one event of {message}? Kafka takes none above 1GiB", *at, "message_size")
        for key in ("retention", "rows_kept"):
            given: DurationValue | None = getattr(its, key)
            if given is not None and given.milliseconds < 1:
                yield self._problem("kept for no time at all? write, say, 7d", *at, key)
            elif given is not None and given.milliseconds > _MOST_YEARS * _YEAR:
                years = given.milliseconds // _YEAR
                yield self._problem(
                    f"kept for {years:,} years? The most is {_MOST_YEARS} years ({_MOST_YEARS * 365}d)", *at, key
                )
        if its.sink_share and not any(topic.sink for topic in self._environment.topics.values()):
            yield self._problem("no topic has a `sink` that carries any of it", *at, "sink_share")
        if its.refresh_takes is not None and its.refresh_takes.milliseconds < 1:
            yield self._problem("a refresh takes some time; write, say, 10s", *at, "refresh_takes")

    def readers(self, its: Workload | Scenario, *at: str) -> Iterator[Problem]:
        seen: dict[str, int] = {}
        for number, reader in enumerate(its.readers or []):
            place: tuple[str | int, ...] = (*at, "readers", number)
            if reader.name in seen:
                message = f"`{reader.name}` is the name of reader {seen[reader.name]} already; give each its own"
                yield self._problem(message, *place, "name")
            seen.setdefault(reader.name, number)
            yield from self._schedule(reader, *place)
            yield from self._warehouse(reader, *place)

    def _schedule(self, reader: Reader, *at: str | int) -> Iterator[Problem]:
        every, takes = reader.every, reader.takes
        if every is None and takes is not None:
            yield self._problem("how often does it run? write `every: 5m` as well", *at, "takes")
        elif every is None and reader.hours_per_day is None:
            yield self._problem(
                f"when does `{reader.name}` run? write `every: 5m` and `takes: 20s`, or `hours_per_day: 8`", *at
            )
        elif every is None and reader.rewrites.bytes:
            yield self._problem("how often? `rewrites` is of each run; write `every` and `takes`", *at, "rewrites")
        if every is None:
            return
        if every.milliseconds < 1000:
            yield self._problem(f"the least is 1s, got {every}", *at, "every")
        elif takes is None:
            yield self._problem("how long does a run take? write `takes: 20s` as well", *at, "every")
        elif takes.milliseconds < 1:
            yield self._problem("a run takes some time; write, say, 1s", *at, "takes")
        elif takes > every:
            yield self._problem(
                f"a run takes {takes} and the next starts after {every}: runs would pile up; write a longer `every`",
                *at, "takes",
            )  # fmt: skip

    def _warehouse(self, reader: Reader, *at: str | int) -> Iterator[Problem]:
        estate = completed(self._environment)
        name = reader_warehouse(reader, estate.warehouses)
        its = estate.warehouses.get(name)
        if its is None and reader.size is None:
            hint = closest(name, estate.warehouses)
            yield self._problem(
                f"the estate has no warehouse `{name}`{hint}; for one that is not of this estate write its `size`",
                *at, *(["warehouse"] if reader.warehouse else []),
            )  # fmt: skip
        elif its is not None and reader.size is not None:
            size = its.size or self._environment.warehouse.size
            if reader.size != size:
                yield self._problem(
                    f"{name} is of this estate, and {size}: its size is set by `warehouse`; take the line out",
                    *at, "size",
                )  # fmt: skip

    def one_of_two(self, its: Workload | Scenario, *at: str) -> Iterator[Problem]:
        if its.readers and "warehouse_hours_per_day" in its.model_fields_set:
            yield self._problem(
                "hours follow from `readers`; keep one of the two (`warehouse_hours_per_day: null` drops what base "
                "says)",
                *at, "warehouse_hours_per_day",
            )  # fmt: skip

    def order(self) -> Iterator[Problem]:
        """low ≤ expected ≤ high, key by key."""
        workload = self._environment.workload
        for name in ("low", "high"):
            given: Scenario | None = getattr(workload, name)
            if given is None:
                continue
            there = in_scenario(workload, name)
            for key in _GROWING:
                mine, expected = self._amount(there, key), self._amount(workload, key)
                if mine is None or expected is None or key not in given.model_fields_set:
                    continue
                if mine > expected if name == "low" else mine < expected:
                    word = "more" if name == "low" else "less"
                    given_as = self._stated(workload, key)
                    yield self._problem(
                        f"{getattr(there, key)} is {word} than is expected ({given_as}); a {name} month has no {word}",
                        name, key,
                    )  # fmt: skip
        yield from self._hours_in_order()

    def _hours_in_order(self) -> Iterator[Problem]:
        """Where all say hours; readers may be others altogether."""
        workload = self._environment.workload
        for name, word in (("low", "more"), ("high", "less")):
            given: Scenario | None = getattr(workload, name)
            hours = given.warehouse_hours_per_day if given else None
            if hours is None or workload.readers:
                continue
            expected = workload.warehouse_hours_per_day
            if hours > expected if name == "low" else hours < expected:
                yield self._problem(
                    f"{hours} is {word} than is expected ({expected}); a {name} month has no {word}",
                    name, "warehouse_hours_per_day",
                )  # fmt: skip

    def _amount(self, workload: Workload, key: str) -> Decimal | None:
        """Something that can be compared; None where nothing is said and nothing stands for it."""
        value = self._stated(workload, key)
        if isinstance(value, DataRateValue):
            return value.bytes_per_second
        return Decimal(value.milliseconds) if isinstance(value, DurationValue) else value

    def _stated(self, workload: Workload, key: str) -> Any:
        """As written, or the default that follows from other keys."""
        value = getattr(workload, key)
        if value is None and key == "retention":
            return self._environment.workload_retention
        return Decimal(1) if value is None and key == "sink_share" else value

    def _problem(self, message: str, *at: str | int) -> Problem:
        path = ("workload", *at)
        return Problem(self._positions.at(*path), ".".join(str(key) for key in path), message)
