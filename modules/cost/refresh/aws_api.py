"""AWS's price list as its API gives it: one query at a time, a page after the other, with the credentials of the shell.

The API is served from us-east-1 whatever region is asked about, and needs the right `pricing:GetProducts`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from modules.cost.book import PriceBook
from modules.cost.refresh.aws import Query, Record, queries, record_of
from modules.errors import PriceError

__all__ = ["Pricing", "ask", "client"]

_ENDPOINT = "us-east-1"


class Pricing(Protocol):
    """What is used of boto3's client."""

    def get_paginator(self, name: str) -> Any: ...


def client() -> Pricing:
    """The price list's client, with the shell's credentials."""
    import boto3

    made: Pricing = boto3.session.Session().client("pricing", region_name=_ENDPOINT)
    return made


def ask(
    pricing: Pricing, book: PriceBook, region: str, said: Callable[[str], None] = lambda _: None
) -> Iterator[Record]:
    """The records of a region for all items of the book, query by query; `said` is told of each, since some hundred
    machines are asked for one by one.

    Raises:
        PriceError: there are no credentials, they may not, or AWS cannot be reached.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        for query in queries():
            asked = list(_filters(query, book, region))
            said(f"{query.service}: {len(query.rules) if not query.each else len(asked)} prices")
            for filters in asked:
                yield from _pages(pricing, query.service, filters)
    except NoCredentialsError as error:
        raise PriceError(
            "there are no AWS credentials, and the price list's API wants some",
            do="log in (`aws sso login`, AWS_PROFILE), or give downloaded offer files: --aws-file",
        ) from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        do = "ask for the right pricing:GetProducts" if "AccessDenied" in code else "log in anew, or use --aws-file"
        raise PriceError(f"AWS's price list said no: {error}", do=do) from error
    except BotoCoreError as error:
        raise PriceError(
            f"AWS's price list cannot be reached: {error}", do="check the network, or use --aws-file"
        ) from error


def _filters(query: Query, book: PriceBook, region: str) -> Iterator[list[dict[str, str]]]:
    """What to ask for: once, or for each type of machine that the book has, since all of them are thousands."""
    given = dict(query.filters) | ({} if query.region == "none" else {query.region: region})
    if not query.each:
        yield _terms(given)
        return
    prefix = query.each["prefix"]
    for item in sorted({item for rule in query.rules for item in rule.ids(book)}):
        kind = query.each.get("type", "") + item.removeprefix(prefix)
        yield _terms(given | {query.each["attribute"]: kind})


def _terms(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in values.items()]


def _pages(pricing: Pricing, service: str, filters: list[dict[str, str]]) -> Iterator[Record]:
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode=service, Filters=filters, FormatVersion="aws_v1", PaginationConfig={"PageSize": 100}
    )
    for page in pages:
        for text in page["PriceList"]:
            data = json.loads(text)
            product = data.get("product", {})
            record = record_of(
                service,
                product.get("productFamily", ""),
                product.get("attributes", {}),
                data.get("terms", {}).get("OnDemand", {}),
                data.get("publicationDate", ""),
            )
            if record is not None:
                yield record
