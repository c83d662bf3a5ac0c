"""Brokers and what is around them: types, numbers, zones, registry, governance, the way out, logs."""

from __future__ import annotations

from collections.abc import Iterator

from modules.cost.advise.change import REMOVE, Edit
from modules.cost.advise.rules.base import Context, Proposal, rule
from modules.environment.msk_limits import BROKERS
from modules.environment.redpanda import machine, size_of
from modules.environment.types import DurationValue

__all__ = ["CLUSTERS"]

_BURSTABLE = "kafka.t3.small"
_LOG_DAYS = 7
_LEAST_IN_PRODUCTION = 3


@rule("broker-type", "take the broker type that the peak needs")
def _broker_type(context: Context) -> Iterator[Proposal]:
    its = context.environment.msk
    if context.environment.platform != "msk" or its.mode == "serverless":
        return
    own = context.report.estimate
    now = next((each for each in own.lines if each.id == "msk.brokers"), None)
    for kind in BROKERS[its.mode]:
        item = f"msk.{kind}"
        if kind == its.broker_type or not context.known(item) or now is None or now.amount is None:
            continue
        if kind == _BURSTABLE and context.environment.production:
            continue
        price = context.book.price(item, context.region).cost(now.quantity)
        if price is None or price >= now.amount:
            continue
        risk = "brokers are replaced one by one; less memory caches less, so that readers of old events reach the disk"
        if kind == _BURSTABLE:
            risk = "burstable: a broker that has used up its processor credits slows down; not for production"
        yield Proposal(f"Use {kind} brokers instead of {its.broker_type}", (Edit(("msk", "broker_type"), kind),), risk)


@rule("brokers", "run as many brokers as the peak needs")
def _brokers(context: Context) -> Iterator[Proposal]:
    environment, zones = context.environment, context.environment.network.zones
    section = environment.platform
    if section not in ("msk", "redpanda") or (section == "msk" and environment.msk.mode == "serverless"):
        return
    brokers = environment.msk.brokers if section == "msk" else environment.redpanda.brokers
    for fewer in range(zones if section == "msk" else 3, brokers, zones if section == "msk" else 1):
        if environment.production and (fewer < _LEAST_IN_PRODUCTION or section == "redpanda"):
            continue  # of Redpanda a volume would go, which production protects
        yield Proposal(
            f"Run {fewer} brokers instead of {brokers}",
            (Edit((section, "brokers"), fewer),),
            "partitions have to be moved off the brokers that go before they go; the loss of one weighs more",
        )


@rule("zones", "use fewer zones outside production")
def _zones(context: Context) -> Iterator[Proposal]:
    environment = context.environment
    if environment.production or environment.network.vpc_id or environment.network.zones < 3:
        return
    if environment.platform == "msk" and environment.msk.mode != "express":
        edits = [Edit(("network", "zones"), 2)]
        if environment.msk.mode == "provisioned" and environment.msk.brokers % 2:
            edits.append(Edit(("msk", "brokers"), max(2, environment.msk.brokers // 3 * 2)))
        yield Proposal(
            "Spread over two zones instead of three",
            tuple(edits),
            "two copies of each event: without a zone nothing is written until it is back. It takes a new cluster",
            kind="move",
        )
    if environment.platform == "redpanda" and environment.redpanda.brokers == 3:
        yield Proposal(
            "Run one broker instead of three",
            (Edit(("redpanda", "brokers"), 1), Edit(("network", "zones"), 1)),
            "one copy of each event: what the broker loses is lost. For development only; a new cluster",
            kind="move",
        )


@rule("instance-type", "take the machine that the peak needs")
def _instance(context: Context) -> Iterator[Proposal]:
    its = context.environment.redpanda
    if context.environment.platform != "redpanda" or its.compute != "ec2":
        return
    now = size_of(its).instance_type
    known = [each.id.removeprefix("aws.ec2.") for each in context.book.prices if each.id.startswith("aws.ec2.")]
    for kind in dict.fromkeys(known):
        if kind == now or machine(kind) is None or not context.known(f"aws.ec2.{kind}"):
            continue
        if _graviton(kind) != _graviton(now or ""):  # the image is built for one of the two
            continue
        edits = [Edit(("redpanda", "instance_type"), kind)]
        edits += [
            Edit(("redpanda", key), REMOVE) for key in ("vcpu", "memory") if context.files.written("redpanda", key)
        ]
        yield Proposal(
            f"Run the brokers on {kind} instead of {now}",
            tuple(edits),
            "brokers are replaced one by one; less memory caches less, so that readers of old events reach the disk",
        )


def _graviton(kind: str) -> bool:
    return kind.partition(".")[0].endswith("g")


@rule("registry", "keep schemas in Glue")
def _registry(context: Context) -> Iterator[Proposal]:
    its = context.environment.msk.registry
    if context.environment.platform != "msk" or its.kind != "apicurio":
        return
    edits = [Edit(("msk", "registry", "kind"), "glue")]
    edits += [
        Edit(("msk", "registry", key), REMOVE)
        for key in ("image", "tasks", "database")
        if context.files.written("msk", "registry", key)
    ]
    yield Proposal(
        "Use AWS Glue's Schema Registry instead of Apicurio",
        tuple(edits),
        "another wire format: each producer and consumer needs Glue's serializers, and events of before cannot be read "
        "with them; schemas that refer to others are not possible",
        destroys=True,
    )


@rule("registry-size", "let Apicurio have its default size")
def _registry_size(context: Context) -> Iterator[Proposal]:
    its = context.environment.msk.registry
    given = [key for key in ("tasks", "database") if context.files.written("msk", "registry", key)]
    if context.environment.platform != "msk" or its.kind != "apicurio" or not given:
        return
    yield Proposal(
        f"Let Apicurio's {' and '.join(given)} be the default",
        tuple(Edit(("msk", "registry", key), REMOVE) for key in given),
        "clients keep the schemas they looked up, so that a registry has little to do; while its database is changed, "
        "new schemas wait",
    )


@rule("governance", "use Stream Governance Essentials")
def _governance(context: Context) -> Iterator[Proposal]:
    if context.environment.platform == "confluent" and context.environment.confluent.stream_governance == "advanced":
        yield Proposal(
            "Use Stream Governance Essentials instead of Advanced",
            (Edit(("confluent", "stream_governance"), "essentials"),),
            "no data contracts' rules, no business metadata and a lower SLA; Confluent does not take a package back by "
            "itself once it is in use: ask them, or make a new environment",
        )


@rule("egress", "leave the network by endpoints instead of NAT")
def _egress(context: Context) -> Iterator[Proposal]:
    if context.environment.platform not in ("msk", "redpanda"):
        return
    for way, risk in (
        ("endpoints", "nothing in the VPC reaches the internet, not even to pull an image that is not in ECR"),
        ("none", "nothing in the VPC reaches anything outside"),
    ):
        if context.environment.network.egress != way:
            yield Proposal(f"Let `network.egress` be `{way}`", (Edit(("network", "egress"), way),), risk)


@rule("logs", "keep brokers' logs for a week")
def _logs(context: Context) -> Iterator[Proposal]:
    wanted = DurationValue(_LOG_DAYS * 86_400_000)
    if context.environment.platform == "redpanda" and context.environment.redpanda.log_retention > wanted:
        yield Proposal(
            f"Keep the brokers' logs for {wanted}",
            (Edit(("redpanda", "log_retention"), str(wanted)),),
            "what happened before cannot be looked up",
        )


@rule("dedicated-size", "run as many CKU as the peak needs")
def _cku(context: Context) -> Iterator[Proposal]:
    its = context.environment.confluent
    if context.environment.platform == "confluent" and its.tier == "dedicated" and its.cku:
        for fewer in range(1, its.cku):
            yield Proposal(
                f"Run {fewer} CKU instead of {its.cku}",
                (Edit(("confluent", "cku"), fewer),),
                "Confluent moves partitions while it shrinks, one CKU at a time; less is left for peaks",
            )


CLUSTERS = (_broker_type, _brokers, _zones, _instance, _registry, _registry_size, _governance, _egress, _logs, _cku)
