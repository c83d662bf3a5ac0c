"""The values of one key that a sweep goes through: `--over workload.ingress=1GB/day..10TB/day`, or a list `3,6,9`.

Rates, sizes and durations go in even steps of their logarithm, counts and other numbers in even steps. Every value is
one that could stand in the YAML; both ends are exactly as given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal

from modules.cost.units import plain
from modules.cost.words import size_words
from modules.environment.document import Mapping
from modules.environment.keys import Shape, shape_at
from modules.environment.overrides import Path, parse_setting, written
from modules.environment.types import DataRateValue, DataSizeValue, DurationValue, MoneyValue
from modules.errors import ConfigError

__all__ = ["Axis", "axis_of", "label_of", "text_of", "value_of"]

_DAY = 86_400

Value = object


@dataclass(frozen=True)
class Axis:
    """One key and the values it takes, from the first to the last.

    Attributes:
        values: as the environment model holds them.
        numbers: their places on a scale: bytes/s, bytes, days, or the number itself; for words their order.
        logarithmic: how the scale is best drawn.
    """

    path: Path
    values: tuple[Value, ...]
    numbers: tuple[Decimal, ...]
    logarithmic: bool
    unit: str

    @property
    def name(self) -> str:
        return written(self.path)

    @property
    def labels(self) -> tuple[str, ...]:
        """For people: three digits of each value."""
        return tuple(label_of(each) for each in self.values)

    @property
    def texts(self) -> tuple[str, ...]:
        """As the YAML would have them, exactly."""
        return tuple(text_of(each) for each in self.values)

    @property
    def continuous(self) -> bool:
        """Whether there are values between the values."""
        return isinstance(self.values[0], DataRateValue | DataSizeValue | DurationValue | Decimal)

    @property
    def words(self) -> bool:
        """Whether the values are words, between which nothing lies and of which none is larger."""
        return isinstance(self.values[0], str | bool)

    def value(self, number: Decimal) -> Value:
        """The value at a place of the scale, exactly as near as its kind can be."""
        return _like(self.values[0], number, 12)

    def texts_at(self, number: Decimal) -> str:
        """The value at a place of the scale as the YAML would have it."""
        return text_of(self.value(number))

    def label_at(self, number: Decimal) -> str:
        """And for people."""
        return label_of(self.value(number))

    def only(self, keep: Sequence[int]) -> Axis:
        """With the values of these places."""
        values = tuple(self.values[place] for place in keep)
        return replace(self, values=values, numbers=tuple(self.numbers[place] for place in keep))


def axis_of(text: str, root: Mapping, points: int, value_at: Callable[[Path, str], Value]) -> Axis:
    """`KEY=FIRST..LAST` or `KEY=A,B,C` as an axis.

    Args:
        root: the environment as its files have it.
        points: how many values a range has at most; counts may have fewer.
        value_at: what the environment model makes of one value at a path; raises where the loader refuses it.

    Raises:
        ConfigError: the range is not one, or an end is not a value of this key.
    """
    path, given = parse_setting(text, root, "--over")
    where = f"--over {written(path)}"
    shape = shape_at(path)
    if shape.model or shape.each or shape.variants or shape.kind == "list":
        raise ConfigError(
            "settings with further keys below them are no single value", where=where, do="name one key below it"
        )
    first, dots, last = given.partition("..")
    if not dots:
        return _listed(path, given, where, value_at)
    if not first or not last:
        raise ConfigError(f"`{given}` has an open end", where=where, do=f"write both ends: {_example(shape)}")
    ends = value_at(path, first), value_at(path, last)
    low, high = (_number(each) for each in ends)
    if low is None or high is None:
        raise ConfigError(
            f"`{given}` is no range: this key takes words", where=where, do=f"list them: {_choices(shape)}"
        )
    if low >= high:
        raise ConfigError(f"`{given}` does not rise", where=where, do=f"write the smaller end first: {_example(shape)}")
    logarithmic = isinstance(ends[0], DataRateValue | DataSizeValue | DurationValue)
    if logarithmic and low == 0:
        raise ConfigError(
            f"`{given}` begins at nothing, and {_kind(ends[0])} go in even ratios", where=where,
            do="begin above it, or list the values: A,B,C",
        )  # fmt: skip
    values = _steps(ends, low, high, points, logarithmic=logarithmic)
    numbers = tuple(_number(each) or Decimal(0) for each in values)
    return Axis(path, values, numbers, logarithmic, _unit(ends[0]))


def value_of(shape: Shape, text: str) -> Value:
    """A value that the loader has nothing against, as the model holds it."""
    kinds: dict[str, Callable[[str], Value]] = {
        "DataRateValue": DataRateValue.parse,
        "DataSizeValue": DataSizeValue.parse,
        "DurationValue": DurationValue.parse,
        "MoneyValue": MoneyValue.parse,
        "int": int,
        "Decimal": Decimal,
    }
    return kinds.get(shape.kind, str)(text)


def _listed(path: Path, given: str, where: str, value_at: Callable[[Path, str], Value]) -> Axis:
    texts = [each.strip() for each in given.split(",")]
    if len(texts) < 2 or not all(texts):
        raise ConfigError(
            f"`{given}` is neither a range nor a list", where=where, do=f"write {_example(shape_at(path))}, or A,B,C"
        )
    values = tuple(dict.fromkeys(value_at(path, each) for each in texts))
    known = [(number, value) for value in values if (number := _number(value)) is not None]
    if len(known) < len(values):
        return Axis(path, values, tuple(Decimal(place) for place in range(len(values))), False, "")
    known.sort(key=lambda pair: pair[0])
    by_ratio = isinstance(values[0], DataRateValue | DataSizeValue | DurationValue) and known[0][0] > 0
    ordered = tuple(value for _, value in known)
    return Axis(path, ordered, tuple(number for number, _ in known), by_ratio, _unit(values[0]))


def _steps(
    ends: tuple[Value, Value], low: Decimal, high: Decimal, points: int, *, logarithmic: bool
) -> tuple[Value, ...]:
    count = max(points, 2)
    if isinstance(ends[0], int):
        count = min(count, int(high - low) + 1)
    ratio = high / low if logarithmic else Decimal(0)
    digits = max(3, len(str(count)))
    found: list[Value] = [ends[0]]
    for step in range(1, count - 1):
        share = Decimal(step) / (count - 1)
        number = low * ratio**share if logarithmic else low + (high - low) * share
        found.append(_like(ends[0], number, digits))
    found.append(ends[1])
    return tuple(dict.fromkeys(found))


def _number(value: Value) -> Decimal | None:
    """A value's place on its scale; None for what has no order."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, DataRateValue):
        return value.bytes_per_second
    if isinstance(value, DataSizeValue):
        return Decimal(value.bytes)
    if isinstance(value, DurationValue):
        return Decimal(value.milliseconds) / (_DAY * 1000)
    return value.amount if isinstance(value, MoneyValue) else None


def _like(end: Value, number: Decimal, digits: int) -> Value:
    """A value of the same kind at this place, rounded to so many digits, and to what its kind can hold."""
    if isinstance(end, int):
        return int(number.to_integral_value(ROUND_HALF_EVEN))
    rounded = Decimal(f"{number:.{digits - 1}e}")
    if isinstance(end, DataRateValue):
        in_a_day = Decimal(f"{number * _DAY:.{digits - 1}e}")
        return DataRateValue(max(1, int(in_a_day)), _DAY)
    if isinstance(end, DataSizeValue):
        return DataSizeValue(max(1, int(rounded)))
    if isinstance(end, DurationValue):
        return DurationValue(max(1, int(rounded * _DAY * 1000)))
    if isinstance(end, MoneyValue):
        return MoneyValue(rounded, end.currency)
    return rounded


def text_of(value: Value) -> str:
    """As the YAML would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def label_of(value: Value) -> str:
    """For people, short."""
    if isinstance(value, DataRateValue):
        rate = value.bytes_per_second
        daily = value.per_seconds >= _DAY or rate < 10**6
        return f"{_three(rate * _DAY)}/day" if daily else f"{_three(rate)}/s"
    if isinstance(value, DataSizeValue):
        return str(value) if len(str(value)) <= 6 else _three(Decimal(value.bytes))
    if isinstance(value, DurationValue):
        return f"{plain(Decimal(f'{Decimal(value.milliseconds) / (_DAY * 1000):.2e}'))} d"
    return plain(value) if isinstance(value, Decimal) else text_of(value)


def _three(count: Decimal) -> str:
    return size_words(Decimal(f"{count:.2e}"))


def _unit(value: Value) -> str:
    kinds = {DataRateValue: "bytes/s", DataSizeValue: "bytes", DurationValue: "days"}
    return kinds.get(type(value), value.currency if isinstance(value, MoneyValue) else "")


def _kind(value: Value) -> str:
    return {DataRateValue: "rates", DataSizeValue: "sizes"}.get(type(value), "durations")


def _choices(shape: Shape) -> str:
    return ",".join(shape.choices) or "A,B,C"


def _example(shape: Shape) -> str:
    return {
        "DataRateValue": "1GB/day..10TB/day",
        "DataSizeValue": "100GiB..2TiB",
        "DurationValue": "1d..90d",
        "int": "3..12",
        "Decimal": "1..24",
        "MoneyValue": "100 USD..900 USD",
    }.get(shape.kind, "FIRST..LAST")
