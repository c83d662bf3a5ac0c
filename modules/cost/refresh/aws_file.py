"""A downloaded offer file of AWS's price list, read as a stream: the one of EC2 has hundreds of megabytes a region.

An offer file is one JSON object: `products`, an object of products by SKU, then `terms.OnDemand`, an object of terms by
SKU. Both are read one entry at a time, so that memory holds a piece of the file and the few products that are wanted;
reading ends with the terms on demand, before the reserved ones, which are most of the file.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from modules.cost.refresh.aws import Query, Record, queries, record_of, services
from modules.errors import PriceError

__all__ = ["read_offer_file"]

_CHUNK = 1 << 20
_LARGEST_ENTRY = 1 << 26
_DECODER = json.JSONDecoder()
_HOW = (
    "download it from AWS's bulk price list: offers/v1.0/aws/<service>/current/<region>/index.json, "
    f"for one of {', '.join(services())}"
)


def read_offer_file(file: Path, region: str) -> Iterator[Record]:
    """The records of a region in an offer file (`.json` or `.json.gz`) that some item is asked of.

    Raises:
        PriceError: it is not an offer file, or of a service that no item is in.
    """
    try:
        stream: IO[str]
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as stream:
            yield from _records(_Scanner(stream, file), file, region)
    except FileNotFoundError as error:
        raise PriceError("there is no such file", where=str(file), do=_HOW) from error
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise PriceError(f"the offer file cannot be read: {error}", where=str(file), do=_HOW) from error


def _records(scanner: _Scanner, file: Path, region: str) -> Iterator[Record]:
    head: dict[str, Any] = {}
    asked: list[Query] = []
    kept: dict[str, tuple[str, dict[str, str]]] = {}
    for key in scanner.entries():
        if key == "products":
            asked = _asked(head, file)
            for sku in scanner.entries():
                product = scanner.record()
                family, attributes = product.get("productFamily", ""), product.get("attributes", {})
                if any(query.meets(family, attributes, region) for query in asked):
                    kept[sku] = (family, attributes)
        elif key == "terms":
            for kind in scanner.entries():
                if kind != "OnDemand":
                    scanner.skip()
                    continue
                for sku in scanner.entries():
                    terms = scanner.record()
                    if sku in kept:
                        record = record_of(head["offerCode"], *kept[sku], terms, head.get("publicationDate", ""))
                        if record is not None:
                            yield record
                return
        else:
            head[key] = scanner.value()
    raise PriceError("not an offer file: it has no `terms.OnDemand`", where=str(file), do=_HOW)


def _asked(head: dict[str, Any], file: Path) -> list[Query]:
    code = head.get("offerCode")
    asked = [query for query in queries() if query.service == code]
    if not asked:
        what = f"no item of the price book is in the service `{code}`" if code else "not an offer file: no `offerCode`"
        raise PriceError(what, where=str(file), do=_HOW)
    return asked


class _Scanner:
    """Walks a JSON text front to back: `entries` enters an object, and each key's value is then taken or skipped."""

    def __init__(self, stream: IO[str], file: Path) -> None:
        self._stream, self._file = stream, file
        self._text, self._at, self._ended = "", 0, False

    def entries(self) -> Iterator[str]:
        """The keys of the object that begins here; after each, the caller reads its value."""
        self._expect("{")
        if self._next() == "}":
            self._at += 1
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise self._broken()
            self._expect(":")
            yield key
            follows = self._next()
            self._at += 1
            if follows == "}":
                return
            if follows != ",":
                raise self._broken()

    def value(self) -> Any:
        """The value that begins here, whole."""
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            except ValueError as error:
                if self._ended or len(self._text) - self._at > _LARGEST_ENTRY:
                    raise self._broken() from error
            self._more()

    def record(self) -> dict[str, Any]:
        """The value that begins here, which is an object."""
        value = self.value()
        if not isinstance(value, dict):
            raise self._broken()
        return value

    def skip(self) -> None:
        """Passes over the value that begins here; an object piece by piece, however large it is."""
        if self._next() == "{":
            for _ in self.entries():
                self.skip()
        else:
            self.value()

    def _expect(self, sign: str) -> None:
        if self._next() != sign:
            raise self._broken()
        self._at += 1

    def _next(self) -> str:
        """The next character that is not space."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    return self._text[self._at]
                self._at += 1
            if self._ended:
                raise self._broken()
            self._more()

    def _more(self) -> None:
        chunk = self._stream.read(_CHUNK)
        self._text = self._text[self._at :] + chunk
        self._at, self._ended = 0, not chunk

    def _broken(self) -> PriceError:
        return PriceError(
            "not an offer file, or cut short: the JSON breaks off or is none", where=str(self._file), do=_HOW
        )
