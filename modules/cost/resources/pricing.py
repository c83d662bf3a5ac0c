"""Prices documents: each resource by the function of its type; the free ones with their reason, the rest by name.

Nothing is left out in silence: what has no function and is in no list of the free is unsupported, and so is a resource
of a known type whose document does not say what it would need. What is billed by its workload alone, such as a topic or
a warehouse, is `infra cost --env`'s.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.cost.book import Price, PriceBook
from modules.cost.coverage import load_coverage
from modules.cost.lines import Line, Total, total
from modules.cost.resources import account, kafka, machines, network
from modules.cost.resources.bill import Bill, Pricer
from modules.cost.resources.documents import Document, Resource
from modules.errors import PriceError

__all__ = ["DEFAULT_REGION", "PRICERS", "Counted", "Priced", "Pricing", "free_types", "price_resources"]

PRICERS: Mapping[str, Pricer] = {**kafka.PRICERS, **machines.PRICERS, **network.PRICERS, **account.PRICERS}
"""Terraform's type → what prices it."""

DEFAULT_REGION = "us-east-1"

_FREE = Path(__file__).with_name("free.yaml")


@dataclass(frozen=True)
class Priced:
    """One resource that is billed.

    Attributes:
        block: the address without a key.
        by_use: prices of what goes through it; how much that is no document says.
        gaps: what of it is billed and not counted, and why.
    """

    document: str
    address: str
    block: str
    type: str
    region: str
    lines: tuple[Line, ...]
    by_use: tuple[Price, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def total(self) -> Total:
        return total(self.lines)


@dataclass(frozen=True)
class Counted:
    """Resources of one type that are not priced: how many blocks or instances, and why."""

    type: str
    count: int
    reason: str


@dataclass(frozen=True)
class Pricing:
    """All documents together.

    Attributes:
        by_workload: what no document can tell the cost of, and the environment's report does.
        before: what a plan found, at the same prices; None where no document is a plan of something that is there.
    """

    priced: tuple[Priced, ...]
    free: tuple[Counted, ...]
    by_workload: tuple[Counted, ...]
    unsupported: tuple[Counted, ...]
    before: Total | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line for each in self.priced for line in each.lines)

    @property
    def total(self) -> Total:
        return total(self.lines)


def price_resources(documents: Sequence[Document], book: PriceBook, region: str = "") -> Pricing:
    """The monthly cost of what the documents hold.

    Args:
        region: for resources whose document does not name theirs; without it us-east-1.

    Raises:
        PriceError: no vendor has any price for `region`.
    """
    if region and region not in book.regions():
        known = ", ".join(sorted(book.regions()))
        raise PriceError(f"the price book knows nothing of region `{region}`", do=f"write one of: {known}")
    after = [_sorted(document.file, document.resources, book, region) for document in documents]
    plans = [document for document in documents if document.before]
    before = [_sorted(document.file, document.before or (), book, region) for document in plans]
    return Pricing(
        tuple(each for found in after for each in found.priced),
        _counted(each for found in after for each in found.free),
        _counted(each for found in after for each in found.by_workload),
        _counted(each for found in after for each in found.unsupported),
        total(line for found in before for each in found.priced for line in each.lines) if plans else None,
    )


@dataclass
class _Sorted:
    """One document's resources by what became of them; of those without a price type, how many, and why."""

    priced: list[Priced] = field(default_factory=list)
    free: list[Counted] = field(default_factory=list)
    by_workload: list[Counted] = field(default_factory=list)
    unsupported: list[Counted] = field(default_factory=list)


def _sorted(file: str, resources: Sequence[Resource], book: PriceBook, region: str) -> _Sorted:
    others: dict[str, list[Resource]] = {}
    for each in resources:
        others.setdefault(each.block_address, []).append(each)
    known = {address: tuple(group) for address, group in others.items()}
    found = _Sorted()
    for each in resources:
        bill = _bill(each, book, each.region or region or DEFAULT_REGION, known)
        if bill is not None and (bill.lines or bill.by_use):
            found.priced.append(
                Priced(
                    file, each.address, each.block_address, each.type, bill.region,
                    tuple(bill.lines), tuple(bill.by_use), tuple(bill.gaps),
                )
            )  # fmt: skip
            continue
        group, reason = _unpriced(found, each, bill)
        group.append(Counted(each.type, 1, reason))
    return found


def _unpriced(found: _Sorted, resource: Resource, bill: Bill | None) -> tuple[list[Counted], str]:
    """Where a resource without lines belongs, and why."""
    if bill is not None:
        return (found.free, bill.free) if bill.free else (found.unsupported, "; ".join(bill.gaps))
    if resource.type in free_types():
        return found.free, free_types()[resource.type]
    covered = load_coverage().of(resource.type, resource.name)
    if covered is not None and covered.lines:
        return found.by_workload, "billed by use: `infra cost --env` estimates it from the workload"
    return found.unsupported, "nothing here knows its price"


def _bill(resource: Resource, book: PriceBook, region: str, others: Mapping[str, tuple[Resource, ...]]) -> Bill | None:
    """The resource's bill; None where no function knows its type."""
    pricer = PRICERS.get(resource.type)
    if pricer is None:
        return None
    bill = Bill(resource, book, region, others)
    if not resource.counted:
        bill.gaps.append("how many there are is known only when it is planned")
    else:
        pricer(bill)
    return bill


@functools.cache
def free_types() -> Mapping[str, str]:
    """Type → why nobody bills it."""
    import yaml

    own: dict[str, str] = yaml.safe_load(_FREE.read_text(encoding="utf-8"))["free"]
    stacks = {type_: covered.reason for type_, covered in load_coverage().resources.items() if covered.free}
    return {**own, **{type_: reason for type_, reason in stacks.items() if "." not in type_}}


def _counted(found: Iterable[Counted]) -> tuple[Counted, ...]:
    counts: Counter[tuple[str, str]] = Counter()
    for each in found:
        counts[each.type, each.reason] += each.count
    return tuple(Counted(type_, number, reason) for (type_, reason), number in sorted(counts.items()))
