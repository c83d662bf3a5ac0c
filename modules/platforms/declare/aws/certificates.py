"""TLS for what answers behind a load balancer: a certificate proved in the environment's Route 53 zone, and its name.

Without `network.domain` there is no name a public certificate could be for, so none is made.
"""

from __future__ import annotations

from modules.environment.model import Environment
from modules.platforms.declare.aws.provider import name_tag
from modules.resources.aws import AwsAcmCertificate, AwsAcmCertificateValidation, AwsLb, AwsRoute53Record
from modules.resources.base import Stack
from modules.resources.expressions import Expr, each

__all__ = ["declare_alias", "declare_certificate", "host_of"]


def host_of(environment: Environment, what: str) -> str | None:
    """`<what>-<project>-<environment>.<domain>`; None without a domain."""
    domain = environment.network.domain
    return f"{what}-{environment.project}-{environment.name}.{domain}".lower() if domain else None


def declare_certificate(stack: Stack, environment: Environment, id_: str, host: str) -> Expr:
    """A certificate for `host`, and its ARN once it is proved."""
    assert environment.network.zone_id is not None  # checked with `domain` when the environment was read
    certificate = AwsAcmCertificate(
        stack,
        id_,
        domain_name=host,
        validation_method="DNS",
        tags=name_tag(environment, id_),
        lifecycle={"create_before_destroy": True},
    )
    option = Expr.of(f"one({certificate.attr('domain_validation_options').inner})")
    record = AwsRoute53Record(
        stack,
        f"{id_}-proof",
        # One host, so one proof; its key is known at plan, which the proof's own name is not.
        for_each=[host],
        zone_id=environment.network.zone_id,
        name=option.get("resource_record_name"),
        type=option.get("resource_record_type"),
        records=[option.get("resource_record_value")],
        ttl=300,
        allow_overwrite=True,
    )
    proved = AwsAcmCertificateValidation(
        stack,
        id_,
        certificate_arn=certificate.attr("arn"),
        validation_record_fqdns=[record.attr("fqdn", key=host)],
    )
    return proved.attr("certificate_arn")


def declare_alias(stack: Stack, environment: Environment, id_: str, host: str, balancer: AwsLb) -> None:
    """`host` as a name of the load balancer."""
    assert environment.network.zone_id is not None
    AwsRoute53Record(
        stack,
        id_,
        for_each=[host],
        zone_id=environment.network.zone_id,
        name=each.key,
        type="A",
        alias={
            "name": balancer.attr("dns_name"),
            "zone_id": balancer.attr("zone_id"),
            "evaluate_target_health": True,
        },
    )
