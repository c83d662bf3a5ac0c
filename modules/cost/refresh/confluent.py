"""Confluent's price list for one account and region, as its program prints it.

The list gives a metric's price by cluster type, availability and network; it names neither region nor unit, so both are
said here: the region is given by whoever ran the program, the units are those of Confluent's billing dimensions
(per hour; per GB; storage per GB-hour).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from modules.cost.book import Source, Tier
from modules.cost.refresh.found import Found, Problem, exact
from modules.errors import PriceError

__all__ = ["read_confluent"]

_MAP = Path(__file__).parent / "confluent.yaml"
_KEYS = ("metric", "cluster_type", "availability", "network_type", "price")
_HOW = "confluent billing price list --cloud aws --region <region> -o json"


def read_confluent(
    file: Path, region: str, day: dt.date, network: str = "internet", availability: str = "low"
) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
    """The prices of a region, for clusters of that network and availability where the list has several.

    Raises:
        PriceError: the file is not such a list.
    """
    rows = _rows(file)
    items, skipped = _map()
    source = Source(f"confluent billing price list, {network}, {availability} availability", day.isoformat())
    meant: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    problems: list[Problem] = []
    for row in rows:
        by_type = items.get(row["metric"])
        if by_type is None:
            if row["metric"] not in skipped:
                problems.append(Problem("", region, f"`{row['metric']}` is a metric that infra does not know"))
            continue
        rule = by_type.get(row["cluster_type"])
        if rule is not None:
            meant.setdefault(rule["item"], []).append((row, rule))
    found = []
    for item, candidates in meant.items():
        made = {_tiers(row, rule) for row, rule in _fitting(candidates, network, availability)}
        if len(made) > 1:
            prices = ", ".join(sorted(f"{tiers[-1].price:f}" for tiers in made))
            problems.append(Problem(item, region, f"the list has {prices}: say which by --network and --availability"))
            continue
        first = _fitting(candidates, network, availability)[0][0]
        record = f"{first['metric']}, {first['cluster_type']}"
        found.append(Found(item, region, made.pop(), source, record))
    wanted = {rule["item"] for by_type in items.values() for rule in by_type.values()}
    problems += [Problem(item, region, "not in the list") for item in sorted(wanted - set(meant))]
    return tuple(found), tuple(dict.fromkeys(problems))


def _fitting(
    candidates: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], network: str, availability: str
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Those of the network and availability asked for; where a cluster type has only others, those."""
    left = list(candidates)
    for key, wanted in (("network_type", network), ("availability", availability)):
        left = [each for each in left if each[0][key] == wanted] or left
    return left


def _tiers(row: Mapping[str, Any], rule: Mapping[str, Any]) -> tuple[Tier, ...]:
    price = exact(row["price"])
    if "times" in rule:
        # A price per hour is printed with few digits: more than four of the month's would be made up.
        price = exact(Decimal(f"{row['price'] * Decimal(rule['times']):.3e}"))
    return (Tier(Decimal(0), Decimal(rule["free"])), Tier(price)) if "free" in rule else (Tier(price),)


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    except FileNotFoundError as error:
        raise PriceError("there is no such file", where=str(file), do=f"write it with `{_HOW} > {file}`") from error
    except (OSError, UnicodeDecodeError) as error:
        raise PriceError(f"the file cannot be read: {error}", where=str(file)) from error
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise PriceError("not valid JSON", where=f"{file}:{line}", do=f"write it with `{_HOW} > {file}`") from error
    if not isinstance(data, list) or not data:
        raise PriceError("not a price list: expected a JSON list of prices", where=str(file), do=f"use `{_HOW}`")
    for at, row in enumerate(data, 1):
        missing = [key for key in _KEYS if not isinstance(row, dict) or key not in row]
        if missing or not isinstance(row["price"], Decimal) or row["price"] < 0:
            what = f"has no `{missing[0]}`" if missing else f"has no price but {row['price']!r}"
            raise PriceError(f"record {at} of the price list {what}", where=str(file), do=f"use `{_HOW}`")
    return data


def _map() -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    import yaml

    data = yaml.load(_MAP.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return data["items"], data["skipped"]
