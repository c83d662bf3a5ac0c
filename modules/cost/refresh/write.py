"""A refresh as a file: a dated overlay that people review like any other change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from modules.cost.book import Source, Tier, regions_of, tiers_of
from modules.cost.refresh.found import Found
from modules.cost.schema import read_overlay_file
from modules.errors import PriceError

__all__ = ["earlier", "overlay_path", "overlay_text", "write_overlay"]

_HEAD = "# Written by `infra cost refresh`; a later run of the same day adds to it."


def overlay_path(folder: Path, day: dt.date, vendor: str) -> Path:
    """`2026-11-21-aws.yaml`."""
    return folder / f"{day.isoformat()}-{vendor}.yaml"


def earlier(file: Path, found: Sequence[Found]) -> tuple[Found, ...]:
    """What a run of the same day wrote there and this one did not read: other regions, other services.

    Raises:
        PriceError: a file of that name is somebody's own.
    """
    if not file.exists():
        return ()
    if not file.read_text(encoding="utf-8").startswith(_HEAD):
        raise PriceError(
            "this price file was not written by `infra cost refresh`, so it is left alone",
            where=str(file),
            do="give it another name and run the refresh again",
        )
    content, _ = read_overlay_file(file, str(file))
    read = {(each.item, each.region) for each in found}
    return tuple(
        Found(item.id, region, tiers_of(item), content.source(item.source), "")
        for item in content.items
        for region in regions_of(item.region or "*")
        if (item.id, region) not in read
    )


def overlay_text(vendor: str, found: Sequence[Found]) -> str:
    """The overlay of these prices, as YAML; items of one price in several regions are one record."""
    sources: dict[Source, str] = {}
    grouped: dict[tuple[str, tuple[Tier, ...], Source], list[str]] = {}
    for each in sorted(found, key=lambda one: (one.item, one.region)):
        sources.setdefault(each.source, f"list{len(sources) + 1}" if sources else "list")
        grouped.setdefault((each.item, each.tiers, each.source), []).append(each.region)
    lines = [_HEAD, f"vendor: {vendor}", "currency: USD", "sources:"]
    lines += [f"  {name}: {{what: {_quoted(source.what)}, read: {source.read}}}" for source, name in sources.items()]
    lines.append("items:")
    for (item, tiers, source), regions in grouped.items():
        where = ", ".join('"*"' if region == "*" else region for region in regions)
        price = _price(tiers)
        name = sources[source]
        lines.append(f"  - {{id: {item}, region: [{where}], {price}, source: {name}, confidence: A}}")
    return "\n".join(lines) + "\n"


def _price(tiers: Sequence[Tier]) -> str:
    found = [
        (f"{{up_to: {tier.up_to:f}, " if tier.up_to is not None else "{") + f"price: {tier.price:f}}}" for tier in tiers
    ]
    return f"price: {tiers[0].price:f}" if len(tiers) == 1 else f"tiers: [{', '.join(found)}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write_overlay(file: Path, text: str) -> None:
    """The file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
