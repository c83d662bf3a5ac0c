"""What a price file and an overlay may say, and what is said about one that is wrong: file, line, item, what to do.

Numbers are read as `Decimal` from the digits in the file; a YAML float never comes between.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from modules.cost.book import Source
from modules.cost.units import Unit
from modules.errors import PriceError

__all__ = [
    "Lines",
    "OverlayFile",
    "OverlayItem",
    "PriceFile",
    "PriceItem",
    "TermRecord",
    "problems_error",
    "read_overlay_file",
    "read_price_file",
]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_CURRENCY = r"^([A-Z]{3}|credit)$"
_ITEM = r"^[a-z0-9_]+(\.[a-z0-9_-]+)*$"
_REGION = re.compile(r"\*|[a-z]{2,3}(-[a-z]+)+-\d+")
_DO = "correct the file; every price needs id, what, unit, source, confidence, and price, tiers or range"

Region = str | list[str]


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML whose numbers are exact and whose dates stay text."""


_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value.replace("_", "")))
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def _dated(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("expected a day or a month such as 2026-09-14 or 2026-09")
    dt.date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    return text


def _known_regions(regions: Region | None) -> Region | None:
    for name in [regions] if isinstance(regions, str) else regions or []:
        if not _REGION.fullmatch(name):
            raise ValueError(f'`{name}` is not a region; write one such as us-east-1, or "*" for all')
    return regions


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceSource(_Record):
    what: str = Field(min_length=3)
    read: str

    @field_validator("read")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        return _dated(text)


class PriceTier(_Record):
    price: Decimal = Field(ge=0)
    up_to: Decimal | None = Field(None, gt=0)


class _AnyItem(_Record):
    id: str = Field(pattern=_ITEM)
    source: str
    confidence: Literal["A", "B", "C"]
    price: Decimal | None = Field(None, ge=0)
    tiers: list[PriceTier] = Field(default_factory=list)
    range: tuple[Decimal, Decimal] | None = None
    region: Region | None = None
    currency: str | None = Field(None, pattern=_CURRENCY)
    note: str = ""

    _regions = field_validator("region")(_known_regions)

    @model_validator(mode="after")
    def _adds_up(self) -> _AnyItem:
        if self.price is not None and self.tiers:
            raise ValueError("give `price` or `tiers`, not both")
        given = self.price is not None or bool(self.tiers) or bool(getattr(self, "sizes", {}))
        if getattr(self, "sizes", {}) and (self.price is not None or self.tiers or self.range):
            raise ValueError("`sizes` has the prices: give no `price`, `tiers` or `range` beside it")
        if self.confidence == "C" and given:
            raise ValueError(
                "confidence C is unconfirmed and so unknown: give `range` in place of a price, or confirm it"
            )
        if self.confidence != "C" and not given:
            raise ValueError("no price: give `price` or `tiers`, or say that it is unknown with confidence C")
        if self.range and self.range[0] > self.range[1]:
            raise ValueError("`range` is [least, most]")
        tops = [tier.up_to for tier in self.tiers]
        if self.tiers and (tops[-1] is not None or None in tops[:-1] or tops[:-1] != sorted(set(tops[:-1]))):  # type: ignore[type-var]
            raise ValueError("tiers rise: each but the last has a larger `up_to`, the last has none")
        return self


class PriceItem(_AnyItem):
    """One item: `price` or `tiers` for confidence A and B; neither for C, which is unknown (`range`: between what).

    `sizes` is many items in one line, for machines of one family: each size's price, its name behind the id and `what`.
    """

    what: str = Field(min_length=1)
    unit: Unit
    sizes: dict[str, Decimal] = Field(default_factory=dict)


class OverlayItem(_AnyItem):
    """Another price of an item that the book has; `what` and `unit` are the item's, so they may be left out."""

    what: str | None = None
    unit: Unit | None = None


class RateRecord(_Record):
    """How much of a currency one US dollar buys."""

    rate: Decimal = Field(gt=0)
    source: str = Field(min_length=3)
    read: str

    @field_validator("read")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        return _dated(text)


class TermRecord(_Record):
    """One thing negotiated with a vendor: `discount` alone, `committed` (perhaps with a discount), or `reserved`."""

    source: str
    discount: Decimal | None = Field(None, gt=0, lt=100)
    committed: Decimal | None = Field(None, gt=0)
    per: Literal["month", "year"] = "month"
    share: Decimal | None = Field(None, gt=0, le=1)
    reserved: Decimal | None = Field(None, ge=0)
    items: list[str] = Field(default_factory=list)
    until: str | None = None

    @field_validator("until")
    @classmethod
    def _is_a_day(cls, text: str | None) -> str | None:
        if text is not None and not (len(text) == 10 and _DATE.fullmatch(text)):
            raise ValueError("expected a day such as 2027-10-31")
        return text if text is None else dt.date.fromisoformat(text).isoformat()

    @model_validator(mode="after")
    def _is_one_thing(self) -> TermRecord:
        if self.committed is None and self.reserved is None and self.discount is None:
            raise ValueError("give `discount` (percent), `committed` (an amount) or `reserved` (a price)")
        if self.reserved is not None and (self.committed is not None or self.discount is not None):
            raise ValueError("`reserved` is a price of its own: give it without `discount` and `committed`")
        if self.reserved is not None and not self.items:
            raise ValueError("`reserved` needs `items`: what the price is for")
        if self.committed is not None and self.items:
            raise ValueError("`committed` is for all a vendor bills: a discount on some `items` is a term of its own")
        if self.share is not None and self.committed is None and self.reserved is None:
            raise ValueError("`share` goes with `committed` or `reserved`")
        if "per" in self.model_fields_set and self.committed is None:
            raise ValueError("`per` goes with `committed`")
        return self


class _AnyFile(_Record):
    sources: dict[str, PriceSource] = Field(default_factory=dict)

    def source(self, name: str) -> Source:
        found = self.sources[name]
        return Source(found.what, found.read)


class PriceFile(_AnyFile):
    """A whole file. `currency` and `region` are the items' defaults."""

    vendor: str
    service: str
    currency: str
    region: str | list[str]
    items: list[PriceItem] = Field(min_length=1)

    _regions = field_validator("region")(_known_regions)


class OverlayFile(_AnyFile):
    """A project's own prices, terms with vendors, and rates of currencies; any of the three may be all there is."""

    vendor: str = ""
    service: str = ""
    currency: str = Field("USD", pattern=_CURRENCY)
    region: Region | None = None
    items: list[OverlayItem] = Field(default_factory=list)
    terms: dict[Literal["confluent", "aws", "snowflake", "redpanda"], list[TermRecord]] = Field(default_factory=dict)
    currencies: dict[str, RateRecord] = Field(default_factory=dict)

    _regions = field_validator("region")(_known_regions)

    @field_validator("currencies")
    @classmethod
    def _are_currencies(cls, rates: dict[str, RateRecord]) -> dict[str, RateRecord]:
        for name in rates:
            if not re.fullmatch(r"[A-Z]{3}", name) or name == "USD":
                raise ValueError(f"`{name}`: write a currency's three letters, such as EUR; rates are for 1 USD")
        return rates

    @model_validator(mode="after")
    def _says_something(self) -> OverlayFile:
        if not (self.items or self.terms or self.currencies):
            raise ValueError("the overlay is empty: give `items`, `terms` or `currencies`")
        return self


_File = TypeVar("_File", bound=_AnyFile)


class Lines:
    """Where in a file each of its records is."""

    def __init__(self, root: Any, shown: str) -> None:
        self._root = root
        self.shown = shown

    def __call__(self, *path: Any) -> int:
        return _line_of(self._root, path)


def read_price_file(file: Path, shown: str) -> tuple[PriceFile, list[int]]:
    """The file's content and the line of each item.

    Raises:
        PriceError: it is not YAML, or says something a price file may not; `details` lists every problem with its line.
    """
    content, line_of = _read(file, shown, PriceFile)
    lines = [line_of("items", index) for index in range(len(content.items))]
    for item, line in zip(content.items, lines, strict=True):
        if item.source not in content.sources:
            names = ", ".join(content.sources)
            raise PriceError(
                f"`{item.id}` names the source `{item.source}`, which this file does not have",
                where=f"{shown}:{line}",
                do=f"write one of: {names}; or add it under `sources`",
            )
    return content, lines


def read_overlay_file(file: Path, shown: str) -> tuple[OverlayFile, Lines]:
    """The overlay's content, and where its records are.

    Raises:
        PriceError: as for a price file; whether its items and sources exist is for `overlay.py` to say.
    """
    return _read(file, shown, OverlayFile)


def _read(file: Path, shown: str, model: type[_File]) -> tuple[_File, Lines]:
    try:
        text = file.read_text(encoding="utf-8")
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            _refuse_doubled_keys(root, shown)
            data = loader.construct_document(root) if root is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PriceError(f"not valid YAML: {error.problem}", where=f"{shown}:{line}", do="correct that line") from error
    except FileNotFoundError as error:
        raise PriceError("there is no such price file", where=shown, do="check the path") from error
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise PriceError(f"the price file cannot be read: {why}", where=shown, do="name a YAML file") from error
    except (ValueError, yaml.YAMLError) as error:
        raise PriceError("the price file is no text in UTF-8", where=shown, do="save it as plain YAML") from error
    if not isinstance(data, dict):
        what = "is empty" if data is None else "holds no keys"
        do = "write `items:`, `terms:` or `currencies:` (docs/cost-prices.md)"
        raise PriceError(f"the price file {what}", where=f"{shown}:1", do=do)
    try:
        return model.model_validate(data), Lines(root, shown)
    except ValidationError as error:
        raise _refusal(error, root, shown) from error


def _refuse_doubled_keys(root: Any, shown: str) -> None:
    """YAML would take the last of two keys and say nothing of the prices below the first."""
    problems = []
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in seen:
                    problems.append((int(key.start_mark.line) + 1, f"{name}: this key is there twice"))
                seen.add(name)
                nodes.append(value)
    if problems:
        raise problems_error(problems, shown, "put what is below the two keys under one")


def _refusal(error: ValidationError, root: Any, shown: str) -> PriceError:
    problems = []
    for each in error.errors():
        path = each["loc"]
        message = str(each["msg"]).removeprefix("Value error, ")
        problems.append((_line_of(root, path), f"{_path(path, root)}: {message}"))
    return problems_error(problems, shown, _DO)


def problems_error(problems: list[tuple[int, str]], shown: str, do: str) -> PriceError:
    """One error of all problems of a file, each `(line, what)`, in the order of the file."""
    problems = sorted(problems)
    count = len(problems)
    return PriceError(
        "the price file has " + ("a problem" if count == 1 else f"{count} problems"),
        where=f"{shown}:{problems[0][0]}",
        details=[f"{shown}:{line}: {what}" for line, what in problems],
        do=do,
    )


def _path(path: tuple[Any, ...], root: Any) -> str:
    """`items.3.unit` said with the item's id: `msk.storage: unit`."""
    if len(path) >= 2 and path[0] == "items":
        rest = ".".join(str(part) for part in path[2:])
        name = _child(_child(_child(root, "items"), path[1]), "id")
        item = getattr(name, "value", f"item {int(path[1]) + 1}")
        return f"{item}: {rest}" if rest else str(item)
    return ".".join(str(part) for part in path) or "the file"


def _line_of(root: Any, path: tuple[Any, ...]) -> int:
    """The line of the deepest node on the path that is in the file."""
    node = root
    for part in path:
        below = _child(node, part)
        if below is None:
            break
        node = below
    return int(node.start_mark.line) + 1 if node is not None else 1


def _child(node: Any, part: Any) -> Any:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    return None
