"""Vendors' price lists in the form vendors give them, for tests of `infra cost refresh`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["MSK", "PUBLISHED", "api_page", "confluent_rows", "offer_file", "product"]

PUBLISHED = "2026-11-15T18:02:11Z"

Product = dict[str, Any]


def product(
    sku: str,
    family: str,
    usage: str,
    price: str | Sequence[tuple[str, str, str]],
    unit: str,
    *,
    region: str = "us-east-1",
    **attributes: str,
) -> Product:
    """One product and what it costs: a price, or tiers as (from, to, price)."""
    tiers = [("0", "Inf", price)] if isinstance(price, str) else price
    code = f"{sku}.JRTCKXETXF"
    dimensions = {
        f"{code}.{number:04}": {
            "rateCode": f"{code}.{number:04}",
            "description": f"${each} per {unit}",
            "beginRange": begin,
            "endRange": end,
            "unit": unit,
            "pricePerUnit": {"USD": each},
            "appliesTo": [],
        }
        for number, (begin, end, each) in enumerate(tiers)
    }
    term = {
        "offerTermCode": "JRTCKXETXF",
        "sku": sku,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "priceDimensions": dimensions,
        "termAttributes": {},
    }
    return {
        "sku": sku,
        "productFamily": family,
        "attributes": {
            "location": "US East (N. Virginia)",
            "locationType": "AWS Region",
            "usagetype": usage,
            "regionCode": region,
            **attributes,
        },
        "terms": {code: term},
    }


FAMILY = "Managed Streaming for Apache Kafka (MSK)"
MSK = (
    product("AAA1", FAMILY, "USE1-Kafka.m7g.large", "0.2040000000", "hours", operation="RunBroker", group="Broker"),
    product("AAA2", FAMILY, "USE1-Kafka.m5.large", "0.2200000000", "hours", operation="RunBroker", group="Broker"),
    product("AAA3", FAMILY, "USE1-Express.m7g.large", "4.08", "hours", group="ExpressBroker"),
    product("AAA4", FAMILY, "USE1-Kafka.Storage.GP2", "0.1000000000", "GB-Mo", operation="RunVolume"),
    product("AAA5", FAMILY, "USE1-Kafka.Storage.Tiered", "0.06", "GB-Mo"),
    product("AAA6", FAMILY, "USE1-KafkaServerless-ClusterHours", "0.75", "hours", group="Serverless"),
    product("AAA7", FAMILY, "USE1-Kafka.mcu.general", "0.11", "hours"),
    product("AAA8", FAMILY, "USE1-KafkaServerless-In-Bytes", "0.10", "TB", group="Serverless"),
    product("AAA9", FAMILY, "EUC1-Kafka.m7g.large", "0.2440000000", "hours", region="eu-central-1"),
)


def offer_file(file: Path, service: str, products: Sequence[Product], *, indent: int | None = 2) -> Path:
    """A service's bulk offer file, with reserved terms behind those on demand as EC2's has them."""
    document = {
        "formatVersion": "v1.0",
        "disclaimer": "This pricing list is for informational purposes only.",
        "offerCode": service,
        "version": "20261115180211",
        "publicationDate": PUBLISHED,
        "products": {each["sku"]: {key: each[key] for key in each if key != "terms"} for each in products},
        "terms": {
            "OnDemand": {each["sku"]: each["terms"] for each in products},
            "Reserved": {each["sku"]: {"x": {"priceDimensions": {}}} for each in products},
        },
        "attributesList": {},
    }
    file.write_text(json.dumps(document, indent=indent), encoding="utf-8")
    return file


def api_page(service: str, products: Sequence[Product], token: str = "") -> Mapping[str, Any]:
    """A page of the API's answer: each product is a text of JSON."""
    page = {
        "FormatVersion": "aws_v1",
        "PriceList": [
            json.dumps(
                {
                    "product": {key: each[key] for key in ("productFamily", "attributes", "sku")},
                    "serviceCode": service,
                    "terms": {"OnDemand": each["terms"]},
                    "version": "20261115180211",
                    "publicationDate": PUBLISHED,
                }
            )
            for each in products
        ],
    }
    return {**page, "NextToken": token} if token else page


def confluent_rows(
    *rows: tuple[str, str, float], network: str = "internet", availability: str = "low"
) -> list[Product]:
    """Rows of `confluent billing price list -o json`: (metric, cluster type, price)."""
    return [
        {
            "metric": metric,
            "cluster_type": kind,
            "availability": availability,
            "network_type": network,
            "price": price,
        }
        for metric, kind, price in rows
    ]
