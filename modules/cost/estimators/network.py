"""What an environment's network costs: NAT gateways or endpoints to AWS's services, PrivateLink to vendors.

How many there are is derived by the environment model, which the stacks ask as well. Subnets, routes, security groups
and the gateway endpoint of S3 have no price. In a VPC that was there already nothing is made, and nothing is counted.
"""

from __future__ import annotations

from decimal import Decimal

from modules.cost.estimators.base import Inputs
from modules.cost.lines import Estimate, Line, line
from modules.cost.units import Quantity, Unit, hours, of_bytes
from modules.environment.confluent import networking_of
from modules.environment.connect import runs_in_vpc
from modules.environment.model import Environment
from modules.environment.network import egress_of

__all__ = ["estimate", "private_link"]


def estimate(inputs: Inputs, environment: Environment, logs_gib: Decimal) -> Estimate:
    """The way out of a VPC that is made. `logs_gib`: what tasks write to CloudWatch in a month, which goes that way."""
    egress = egress_of(environment)
    through, words = _through(inputs, environment, logs_gib)
    lines: list[Line] = []
    if egress.nat_gateways:
        lines += _nat(inputs, egress.nat_gateways, through, words, "; ".join(egress.reasons))
    if egress.interface_endpoints:
        services, zones = egress.interface_endpoints, environment.network.zones
        count = len(services)
        lines += [
            line(
                "network.endpoints", "kafka", "fixed", hours(count * zones, Unit.ENDPOINT_HOUR),
                inputs.price("aws.endpoint.hour"), f"{count} endpoints × {zones} zones × 730 h",
                what=f"{count} endpoints in {zones} zones", note=", ".join(services), count=count,
            ),
            line(
                "network.endpoint_data", "kafka", "usage", through, inputs.price("aws.endpoint.data"), words,
                what="endpoints, data",
            ),
        ]  # fmt: skip
    if egress.snowflake:
        carried = inputs.usage.bytes_sunk if runs_in_vpc(environment) else Decimal(0)
        sunk = of_bytes(carried, Unit.GIB)
        lines += _link(
            inputs, "snowflakelink", "PrivateLink to Snowflake", environment.network.zones, sunk, f"{sunk} sent"
        )
    return Estimate(tuple(lines))


def private_link(inputs: Inputs, environment: Environment) -> Estimate:
    """The near end of PrivateLink to Confluent: an endpoint in each subnet, and a private zone for the names."""
    if networking_of(environment) != "privatelink":
        return Estimate(())
    zones = len(environment.network.subnet_ids) or environment.network.zones
    usage = inputs.usage
    through = of_bytes(usage.bytes_in + usage.bytes_out, Unit.GIB)
    words = f"{usage.data_in} sent × (1 + {usage.fan_out} read)"
    return Estimate(tuple(_link(inputs, "privatelink", "PrivateLink", zones, through, words)))


def _link(inputs: Inputs, prefix: str, what: str, zones: int, through: Quantity, words: str) -> list[Line]:
    """An endpoint with an address in each zone, and the private zone of the names behind it."""
    return [
        line(
            f"{prefix}.endpoint", "kafka", "fixed", hours(zones, Unit.ENDPOINT_HOUR), inputs.price("aws.endpoint.hour"),
            f"1 endpoint × {zones} zones × 730 h", what=f"{what}, {zones} zones", count=1,
        ),
        line(
            f"{prefix}.data", "kafka", "usage", through, inputs.price("aws.endpoint.data"), words, what=f"{what}, data",
        ),
        line(
            f"{prefix}.zone", "kafka", "fixed", Quantity(Decimal(1), Unit.ZONE_MONTH), inputs.price("aws.zone"),
            "1 private zone", what=f"{what}, DNS zone", count=1,
        ),
    ]  # fmt: skip


def _nat(inputs: Inputs, count: int, through: Quantity, words: str, why: str) -> list[Line]:
    plural = "s" if count != 1 else ""
    return [
        line(
            "network.nat", "kafka", "fixed", hours(count, Unit.GATEWAY_HOUR), inputs.price("aws.nat.hour"),
            f"{count} × 730 h", what=f"{count} NAT gateway{plural}", note=why, count=count,
        ),
        line(
            "network.nat_addresses", "kafka", "fixed", hours(count, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
            f"{count} × 730 h", what=f"NAT, {count} public IPv4", count=count,
        ),
        line(
            "network.nat_data", "kafka", "usage", through, inputs.price("aws.nat.data"), words, what="NAT, data",
            note="images that are pulled are not counted",
        ),
    ]  # fmt: skip


def _through(inputs: Inputs, environment: Environment, logs_gib: Decimal) -> tuple[Quantity, str]:
    """What leaves the VPC in a month, and how it was found."""
    words = [f"{logs_gib:,.0f} GiB of logs"] if logs_gib else []
    total = Quantity(logs_gib, Unit.GIB)
    link = environment.network.snowflake is not None
    if runs_in_vpc(environment) and inputs.usage.bytes_sunk and not link:
        sunk = of_bytes(inputs.usage.bytes_sunk, Unit.GIB)
        words.append(f"{sunk} to Snowflake")
        total = total + sunk
    return total, " + ".join(words) or "nothing that is counted"
