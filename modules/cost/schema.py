"""What a price file may say, and what is said about one that is wrong: file, line, item, and what to do.

Numbers are read as `Decimal` from the digits in the file; a YAML float never comes between.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from modules.cost.book import Source
from modules.cost.units import Unit
from modules.errors import PriceError

__all__ = ["PriceFile", "PriceItem", "read_price_file"]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML whose numbers are exact and whose dates stay text."""


_Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value.replace("_", "")))
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceSource(_Record):
    what: str = Field(min_length=3)
    read: str

    @field_validator("read")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        if not _DATE.fullmatch(text):
            raise ValueError("expected a day or a month such as 2026-09-14 or 2026-09")
        dt.date.fromisoformat(text if len(text) == 10 else f"{text}-01")
        return text


class PriceTier(_Record):
    price: Decimal = Field(ge=0)
    up_to: Decimal | None = Field(None, gt=0)


class PriceItem(_Record):
    """One item: `price` or `tiers` for confidence A and B; neither for C, which is unknown (`range`: between what)."""

    id: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")
    what: str = Field(min_length=1)
    unit: Unit
    source: str
    confidence: Literal["A", "B", "C"]
    price: Decimal | None = Field(None, ge=0)
    tiers: list[PriceTier] = Field(default_factory=list)
    range: tuple[Decimal, Decimal] | None = None
    region: str | list[str] | None = None
    currency: str | None = None
    note: str = ""

    @model_validator(mode="after")
    def _adds_up(self) -> PriceItem:
        if self.price is not None and self.tiers:
            raise ValueError("give `price` or `tiers`, not both")
        given = self.price is not None or bool(self.tiers)
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


class PriceFile(_Record):
    """A whole file. `currency` and `region` are the items' defaults."""

    vendor: str
    service: str
    currency: str
    region: str | list[str]
    sources: dict[str, Source]
    items: list[PriceItem] = Field(min_length=1)

    @field_validator("sources", mode="before")
    @classmethod
    def _are_sources(cls, sources: Any) -> Any:
        if not isinstance(sources, dict):
            return sources
        checked = {name: PriceSource.model_validate(source) for name, source in sources.items()}
        return {name: Source(source.what, source.read) for name, source in checked.items()}


def read_price_file(file: Path, shown: str) -> tuple[PriceFile, list[int]]:
    """The file's content and the line of each item.

    Raises:
        PriceError: it is not YAML, or says something a price file may not; `details` lists every problem with its line.
    """
    try:
        text = file.read_text(encoding="utf-8")
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            data = loader.construct_document(root) if root is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PriceError(f"not valid YAML: {error.problem}", where=f"{shown}:{line}", do="correct that line") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PriceError(f"the price file cannot be read: {error}", where=shown) from error
    try:
        content = PriceFile.model_validate(data)
    except ValidationError as error:
        raise _refusal(error, root, shown) from error
    lines = [_line_of(root, ("items", index)) for index in range(len(content.items))]
    for item, line in zip(content.items, lines, strict=True):
        if item.source not in content.sources:
            names = ", ".join(content.sources)
            raise PriceError(
                f"`{item.id}` names the source `{item.source}`, which this file does not have",
                where=f"{shown}:{line}",
                do=f"write one of: {names}; or add it under `sources`",
            )
    return content, lines


def _refusal(error: ValidationError, root: Any, shown: str) -> PriceError:
    problems = []
    for each in error.errors():
        path = each["loc"]
        line = _line_of(root, path)
        message = str(each["msg"]).removeprefix("Value error, ")
        problems.append((line, f"{shown}:{line}: {_path(path, root)}: {message}"))
    problems.sort()
    first = problems[0][0]
    count = len(problems)
    return PriceError(
        "the price file has " + ("a problem" if count == 1 else f"{count} problems"),
        where=f"{shown}:{first}",
        details=[text for _, text in problems],
        do="correct the file; every price needs id, what, unit, source, confidence, and price, tiers or range",
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
