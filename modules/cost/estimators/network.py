"""What an environment's network costs: NAT gateways or endpoints to AWS's services, PrivateLink to vendors.

How many there are is derived by the environment model, which the stacks ask as well. Subnets, routes, security groups
and the gateway endpoint of S3 have no price. In a VPC that was there already nothing is made, and nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from modules.cost.estimators.base import Inputs
from modules.cost.estimators.prepared import Part
from modules.cost.lines import Estimate, Line, Words, line, money
from modules.cost.units import Quantity, Unit, hours, of_bytes
from modules.environment.confluent import networking_of
from modules.environment.connect import runs_in_vpc
from modules.environment.model import Environment
from modules.environment.network import egress_of

__all__ = ["between_zones", "parts", "private_link"]


def parts(inputs: Inputs, environment: Environment, logs_gib: Decimal) -> tuple[Part, ...]:
    """The way out of a VPC that is made. `logs_gib`: what tasks write to CloudWatch in a month, which goes that way."""
    egress = egress_of(environment)
    through = _through(environment, logs_gib)
    made: list[Part] = []
    if egress.nat_gateways:
        made += [Estimate(_nat(inputs, egress.nat_gateways, "; ".join(egress.reasons))), _nat_data(through)]
    if egress.interface_endpoints:
        services = egress.interface_endpoints
        made += [Estimate((_endpoints(inputs, services, environment.network.zones),)), _endpoint_data(through)]
    if egress.snowflake:
        carries = runs_in_vpc(environment)

        def sunk(now: Inputs) -> tuple[Quantity, Words]:
            amount = of_bytes(now.usage.bytes_sunk if carries else Decimal(0), Unit.GIB)
            return amount, lambda: f"{amount} sent"

        made += _link(inputs, "snowflakelink", "PrivateLink to Snowflake", environment.network.zones, sunk)
    return tuple(made)


def private_link(inputs: Inputs, environment: Environment) -> tuple[Part, ...]:
    """The near end of PrivateLink to Confluent: an endpoint in each subnet, and a private zone for the names."""
    if networking_of(environment) != "privatelink":
        return ()
    zones = len(environment.network.subnet_ids) or environment.network.zones

    def both_ways(now: Inputs) -> tuple[Quantity, Words]:
        usage = now.usage
        amount = of_bytes(usage.bytes_in + usage.bytes_out, Unit.GIB)
        return amount, lambda: f"{usage.data_in} sent × (1 + {usage.fan_out} read)"

    return tuple(_link(inputs, "privatelink", "PrivateLink", zones, both_ways))


Through = Callable[[Inputs], tuple[Quantity, Words]]
"""What goes through something in a month, and how it was found."""


def between_zones(environment: Environment) -> Part:
    """What clients send to brokers in other zones and read from them, as a note: where clients run is not known."""
    zones = environment.network.zones

    def words(now: Inputs) -> str:
        usage = now.usage
        crossing = of_bytes((usage.bytes_in + usage.bytes_out) * (zones - 1) / zones * 2, Unit.GIB)
        both = now.price("aws.zone.transfer").cost(crossing)
        amount = f", {money(both)} a month for both sides" if both is not None else ""
        return (
            f"Clients: as many in each of {zones} zones would send and read {zones - 1} of {zones} bytes across "
            f"zones{amount}; not counted, since where they run is not known. Reading from the nearest copy needs "
            "`client.rack`."
        )

    def stated(now: Inputs) -> Estimate:
        return Estimate((), (lambda: words(now),))

    return stated if zones > 1 else Estimate(())


def _link(inputs: Inputs, prefix: str, what: str, zones: int, through: Through) -> list[Part]:
    """An endpoint with an address in each zone, and the private zone of the names behind it."""
    endpoint = line(
        f"{prefix}.endpoint", "kafka", "fixed", hours(zones, Unit.ENDPOINT_HOUR), inputs.price("aws.endpoint.hour"),
        f"1 endpoint × {zones} zones × 730 h", what=f"{what}, {zones} zones", count=1,
    )  # fmt: skip
    zone = line(
        f"{prefix}.zone", "kafka", "fixed", Quantity(Decimal(1), Unit.ZONE_MONTH), inputs.price("aws.zone"),
        "1 private zone", what=f"{what}, DNS zone", count=1,
    )  # fmt: skip

    def data(now: Inputs) -> Estimate:
        amount, words = through(now)
        price = now.price("aws.endpoint.data")
        return Estimate((line(f"{prefix}.data", "kafka", "usage", amount, price, words, what=f"{what}, data"),))

    return [Estimate((endpoint,)), data, Estimate((zone,))]


def _endpoints(inputs: Inputs, services: tuple[str, ...], zones: int) -> Line:
    count = len(services)
    return line(
        "network.endpoints", "kafka", "fixed", hours(count * zones, Unit.ENDPOINT_HOUR),
        inputs.price("aws.endpoint.hour"), f"{count} endpoints × {zones} zones × 730 h",
        what=f"{count} endpoints in {zones} zones", note=", ".join(services), count=count,
    )  # fmt: skip


def _endpoint_data(through: Through) -> Part:
    def data(now: Inputs) -> Estimate:
        amount, words = through(now)
        price = now.price("aws.endpoint.data")
        return Estimate(
            (line("network.endpoint_data", "kafka", "usage", amount, price, words, what="endpoints, data"),)
        )

    return data


def _nat(inputs: Inputs, count: int, why: str) -> tuple[Line, ...]:
    plural = "s" if count != 1 else ""
    return (
        line(
            "network.nat", "kafka", "fixed", hours(count, Unit.GATEWAY_HOUR), inputs.price("aws.nat.hour"),
            f"{count} × 730 h", what=f"{count} NAT gateway{plural}", note=why, count=count,
        ),
        line(
            "network.nat_addresses", "kafka", "fixed", hours(count, Unit.ADDRESS_HOUR), inputs.price("aws.ipv4"),
            f"{count} × 730 h", what=f"NAT, {count} public IPv4", count=count,
        ),
    )  # fmt: skip


def _nat_data(through: Through) -> Part:
    def data(now: Inputs) -> Estimate:
        amount, words = through(now)
        made = line(
            "network.nat_data", "kafka", "usage", amount, now.price("aws.nat.data"), words, what="NAT, data",
            note="images that are pulled are not counted",
        )  # fmt: skip
        return Estimate((made,))

    return data


def _through(environment: Environment, logs_gib: Decimal) -> Through:
    """What leaves the VPC in a month: logs, and what a connector in it carries to Snowflake."""
    carries = runs_in_vpc(environment) and environment.network.snowflake is None
    logs = [f"{logs_gib:,.0f} GiB of logs"] if logs_gib else []

    def of(now: Inputs) -> tuple[Quantity, Words]:
        if not (carries and now.usage.bytes_sunk):
            return Quantity(logs_gib, Unit.GIB), " + ".join(logs) or "nothing that is counted"
        sunk = of_bytes(now.usage.bytes_sunk, Unit.GIB)
        return Quantity(logs_gib, Unit.GIB) + sunk, lambda: " + ".join([*logs, f"{sunk} to Snowflake"])

    return of
