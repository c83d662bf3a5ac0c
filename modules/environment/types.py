"""Values as people write them in YAML: `30d`, `1GB/day`, `1KiB`, `300 USD`, `env:NAME`.

Each is a small frozen type with an exact number inside, a parser that says what it expects, and a `str()` that gives
back what a person would write. GB is 10^9 bytes, GiB 2^30, a billing month 730 hours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = [
    "AWS_SCHEMES", "AwsRegion", "DataRate", "DataRateValue", "DataSize", "DataSizeValue", "Duration", "DurationValue",
    "Money", "MoneyValue", "Number", "SecretRef", "SecretRefValue", "Whole",
]  # fmt: skip

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_BYTES = {
    "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_PER_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600,
    "day": 86400, "d": 86400, "month": 730 * 3600,
}  # fmt: skip


def _got(value: object, like: str) -> str:
    """What was written, for a message; a bare number gets told that its unit is missing."""
    if isinstance(value, bool | dict | list) or value is None:
        return f"got {'true/false' if isinstance(value, bool) else type(value).__name__}"
    if isinstance(value, int | float) or re.fullmatch(_NUMBER, str(value).strip()):
        return f"got {value} without a unit; write {value}{like}"
    text = str(value)
    if text.lstrip().startswith("-"):
        return f"got '{text}', which is less than nothing" if len(text) <= 60 else "got less than nothing"
    return f"got '{text if len(text) <= 60 else text[:57] + '...'}'"


def _exact(number: str, factor: int, value: object) -> int:
    """`number` × `factor`, which must be whole: half a millisecond or half a byte is a mistake."""
    product = Decimal(number) * factor
    if product != product.to_integral_value():
        raise ValueError(f"{value} is not a whole number of the smallest unit")
    return int(product)


def _whole(value: object) -> object:
    """Refuses true, which pydantic would quietly take for 1."""
    if isinstance(value, bool):
        raise ValueError(f"expected a number, got {str(value).lower()}")
    return value


def _aws_region(name: str) -> str:
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", name):
        raise ValueError(f"expected a region of AWS, such as eu-central-1, got '{name}'")
    return name


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[Decimal, BeforeValidator(_whole)]
AwsRegion = Annotated[str, AfterValidator(_aws_region)]
"""By its shape: which of them a service is in, its own checks say."""


@dataclass(frozen=True, order=True)
class DurationValue:
    """A length of time in whole milliseconds."""

    milliseconds: int

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    @classmethod
    def parse(cls, text: object) -> DurationValue:
        if isinstance(text, DurationValue):
            return text
        match = re.fullmatch(rf"\s*{_NUMBER}\s*(ms|s|min|m|h|d|w)\s*", str(text))
        if not match:
            raise ValueError(f"expected a duration such as 30d, 12h, 60s or 250ms, {_got(text, 'd')}")
        return cls(_exact(match[1], _MS[match[2]], text))

    def __str__(self) -> str:
        for unit in ("d", "h", "m", "s"):
            if self.milliseconds and self.milliseconds % _MS[unit] == 0:
                return f"{self.milliseconds // _MS[unit]}{unit}"
        return f"{self.milliseconds}ms"


@dataclass(frozen=True, order=True)
class DataSizeValue:
    """A number of bytes."""

    bytes: int

    @classmethod
    def parse(cls, text: object) -> DataSizeValue:
        if isinstance(text, DataSizeValue):
            return text
        match = re.fullmatch(rf"\s*{_NUMBER}\s*([KMGT]i?B|B)\s*", str(text))
        if not match:
            raise ValueError(f"expected a size such as 1KiB, 500MB or 1GB, {_got(text, 'GB')}")
        return cls(_exact(match[1], _BYTES[match[2]], text))

    def __str__(self) -> str:
        whole = [f"{self.bytes // size}{unit}" for unit, size in _BYTES.items() if self.bytes % size == 0]
        return min(whole, key=len) if self.bytes else "0B"


@dataclass(frozen=True)
class DataRateValue:
    """An amount of data per time: `bytes` every `per_seconds` seconds."""

    bytes: int
    per_seconds: int

    @property
    def bytes_per_second(self) -> Decimal:
        return Decimal(self.bytes) / Decimal(self.per_seconds)

    @property
    def bytes_per_month(self) -> Decimal:
        """Bytes in a billing month of 730 hours."""
        return self.bytes_per_second * 730 * 3600

    @classmethod
    def parse(cls, text: object) -> DataRateValue:
        if isinstance(text, DataRateValue):
            return text
        match = re.fullmatch(rf"\s*{_NUMBER}\s*([KMGT]i?B|B)\s*/\s*([a-z]+)\s*", str(text))
        if not match or match[3] not in _PER_SECONDS:
            raise ValueError(f"expected a rate such as 1GB/day or 5MB/s, {_got(text, 'GB/day')}")
        return cls(_exact(match[1], _BYTES[match[2]], text), _PER_SECONDS[match[3]])

    def __str__(self) -> str:
        per = next(name for name, seconds in _PER_SECONDS.items() if seconds == self.per_seconds)
        return f"{DataSizeValue(self.bytes)}/{'day' if per == 'd' else per}"


@dataclass(frozen=True)
class MoneyValue:
    """An amount in a currency."""

    amount: Decimal
    currency: str

    @classmethod
    def parse(cls, text: object) -> MoneyValue:
        if isinstance(text, MoneyValue):
            return text
        match = re.fullmatch(rf"\s*{_NUMBER}\s*([A-Z]{{3}})\s*", str(text))
        if not match:
            raise ValueError(f"expected an amount with its currency such as 300 USD, {_got(text, ' USD')}")
        return cls(Decimal(match[1]), match[2])

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


AWS_SCHEMES = ("aws-sm", "aws-ssm")
"""References that AWS has to be asked for."""


@dataclass(frozen=True)
class SecretRefValue:
    """A reference to a secret, never the value: `env:NAME`, `file:PATH` (from the project root), `aws-sm:NAME#KEY`
    (AWS Secrets Manager), `aws-ssm:/PATH/NAME#KEY` (Parameter Store)."""

    scheme: str
    name: str

    @classmethod
    def parse(cls, text: object) -> SecretRefValue:
        if isinstance(text, SecretRefValue):
            return text
        scheme, _, name = str(text).partition(":")
        name = name.strip()
        wrong = scheme == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        wrong = wrong or (scheme in AWS_SCHEMES and name.startswith("#"))
        if scheme not in ("env", "file", *AWS_SCHEMES) or not name or wrong or "\n" in name:
            # The value is not repeated: it may be the secret itself.
            raise ValueError(
                "expected a secret reference: env:NAME, file:PATH, aws-sm:NAME or aws-ssm:NAME (never the secret "
                "itself)"
            )
        return cls(scheme, name)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"


def _typed(cls: Any, pattern: str, example: str) -> Any:
    return (
        BeforeValidator(cls.parse),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]}),
    )


_N = r"^\s*[0-9]+(\.[0-9]+)?\s*"
Duration = Annotated[DurationValue, *_typed(DurationValue, _N + r"(ms|s|min|m|h|d|w)\s*$", "30d")]
DataSize = Annotated[DataSizeValue, *_typed(DataSizeValue, _N + r"([KMGT]i?B|B)\s*$", "1KiB")]
DataRate = Annotated[
    DataRateValue,
    *_typed(DataRateValue, _N + r"([KMGT]i?B|B)\s*/\s*(s|sec|second|min|minute|h|hour|day|d|month)\s*$", "1GB/day"),
]
Money = Annotated[MoneyValue, *_typed(MoneyValue, _N + r"[A-Z]{3}\s*$", "300 USD")]
SecretRef = Annotated[
    SecretRefValue,
    *_typed(
        SecretRefValue, r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|aws-sm:.+|aws-ssm:.+)$", "env:SNOWFLAKE_PRIVATE_KEY"
    ),
]
