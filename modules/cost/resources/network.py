"""Network: balancers, NAT gateways, endpoints, public addresses, DNS zones, Cloud Map."""

from __future__ import annotations

from typing import Any

from modules.cost.resources.bill import Bill, Pricer
from modules.cost.resources.documents import blocks, known
from modules.cost.units import Unit

__all__ = ["PRICERS"]


def balancer(bill: Bill) -> None:
    """Its hours; capacity is by use, and one that faces the internet has a public address in each subnet."""
    its = bill.resource.arguments
    kind = its.get("load_balancer_type") or "application"
    short = {"network": "nlb", "application": "alb"}.get(kind)
    if short is None:
        bill.gaps.append(f"the price book has no price of a {kind} load balancer")
        return
    bill.running("hours", 1, Unit.BALANCER_HOUR, f"aws.{short}.hour", "1 balancer", what=f"{kind} load balancer")
    bill.used(f"aws.{short}.capacity")
    if its.get("internal") is not True:
        subnets = _length(its.get("subnets")) or len(blocks(its, "subnet_mapping"))
        if subnets:
            bill.running("addresses", subnets, Unit.ADDRESS_HOUR, "aws.ipv4", f"{subnets} subnets", what="public IPv4")
        else:
            bill.gaps.append("in how many subnets it has a public address is not in the document")


def nat(bill: Bill) -> None:
    """Its hours; data is by use, and the public address is the `aws_eip`'s."""
    bill.running("hours", 1, Unit.GATEWAY_HOUR, "aws.nat.hour", "1 gateway", what="NAT gateway")
    bill.used("aws.nat.data")


def address(bill: Bill) -> None:
    """A public IPv4, attached or not: both cost the same since 2024-02."""
    bill.running("hours", 1, Unit.ADDRESS_HOUR, "aws.ipv4", "1 address", what="public IPv4")


def endpoint(bill: Bill) -> None:
    """An interface endpoint in each of its subnets; gateway endpoints are free."""
    its = bill.resource.arguments
    kind = its.get("vpc_endpoint_type") or "Gateway"
    if kind == "Gateway":
        bill.free = "gateway endpoints have no price"
        return
    if kind != "Interface":
        bill.gaps.append(f"the price book has no price of an endpoint of the kind {kind}")
        return
    given = its.get("subnet_ids")
    zones = _length(given)
    if given is not None and zones is None:
        bill.gaps.append("in how many subnets it is is not in the document")
    else:
        words = f"{zones} subnets" if zones else "1 subnet, since none is named"
        bill.running("hours", zones or 1, Unit.ENDPOINT_HOUR, "aws.endpoint.hour", words, what="interface endpoint")
    bill.used("aws.endpoint.data")


def zone(bill: Bill) -> None:
    """A hosted zone; queries are by use."""
    bill.add("zone", 1, Unit.ZONE_MONTH, "aws.zone", "1 zone", what="DNS zone")
    bill.used("aws.zone.queries")


def name(bill: Bill) -> None:
    """One name in Cloud Map; how many instances stand behind it is not in any document."""
    bill.add("name", 1, Unit.RESOURCE_MONTH, "aws.cloudmap", "1 instance behind the name", what="Cloud Map, name")


def _length(given: Any) -> int | None:
    if isinstance(given, str) or given is None:
        return None
    return sum(1 for each in given if each is None or known(each) or isinstance(each, str))


PRICERS: dict[str, Pricer] = {
    "aws_lb": balancer,
    "aws_alb": balancer,
    "aws_nat_gateway": nat,
    "aws_eip": address,
    "aws_vpc_endpoint": endpoint,
    "aws_route53_zone": zone,
    "aws_service_discovery_private_dns_namespace": zone,
    "aws_service_discovery_public_dns_namespace": zone,
    "aws_service_discovery_service": name,
}
