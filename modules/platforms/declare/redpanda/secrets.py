"""Certificates and logins of a Redpanda cluster in Secrets Manager, written through write-only arguments.

Who reads what: tasks the administrator's login and the brokers' certificate, clients their own login and the
authority's certificate, and the authority's key nobody but a deploy that makes new certificates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.declare.aws.provider import name_tag
from modules.platforms.declare.aws.secrets import KeyRef, declare_logins, passwords_variable, secret_name
from modules.platforms.declare.redpanda.nodes import ADMIN_USER
from modules.platforms.redpanda import AUTHORITY, AUTHORITY_KEY, BROKER_TLS, users_of
from modules.resources.aws import AwsSecretsmanagerSecret, AwsSecretsmanagerSecretVersion
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each

__all__ = ["Secrets", "declare_secrets"]

_CERTIFICATES = {
    AUTHORITY: "The certificate that clients of {} trust",
    AUTHORITY_KEY: "The key that signs certificates of {}",
    BROKER_TLS: "Certificate and key of the brokers of {}",
}


@dataclass(frozen=True)
class Secrets:
    """References to what is in Secrets Manager.

    Attributes:
        admin: ARN of the administrator's login.
        tls: ARN of the brokers' certificate: `ca`, `certificate`, `private_key`.
        credentials: the stack's output of that name.
        written: what must be there before a broker starts; for `depends_on`.
    """

    admin: Expr
    tls: str
    credentials: Mapping[str, str]
    written: tuple[Resource, ...]

    @property
    def of_tasks(self) -> list[str]:
        """ARNs of those that ECS puts into a broker's task."""
        return [self.admin, self.tls]


def declare_secrets(stack: Stack, environment: Environment, key: KeyRef) -> Secrets:
    """A secret for each login and each part of the certificates."""
    passwords = passwords_variable(stack)
    # Its password is read by a broker at the first start only, so a new one would lock the deployer out.
    admin = declare_logins(stack, environment, {"admin": ADMIN_USER}, key, passwords, id_="admin")
    users = declare_logins(
        stack,
        environment,
        {role: role for role in users_of(environment)},
        key,
        passwords,
        version=environment.redpanda.password_version,
    )
    credentials = {**admin.references, **users.references}
    own = environment.redpanda.certificate
    if own is not None:
        return Secrets(
            admin.arns["admin"], own.name, {**credentials, AUTHORITY: str(own)}, (admin.versions, users.versions)
        )
    arns, written = _certificates(stack, environment, key)
    return Secrets(
        admin=admin.arns["admin"],
        tls=arns[BROKER_TLS],
        credentials={
            **credentials,
            AUTHORITY: f"aws-sm:{arns[AUTHORITY]}",
            AUTHORITY_KEY: f"aws-sm:{arns[AUTHORITY_KEY]}",
        },
        written=(admin.versions, users.versions, written),
    )


def _certificates(stack: Stack, environment: Environment, key: KeyRef) -> tuple[Mapping[str, Expr], Resource]:
    values = {
        what: stack.variable(
            what.replace("-", "_"), sensitive=True, ephemeral=True, description="JSON; written, never kept."
        )
        for what in _CERTIFICATES
    }
    whose = f"{environment.project}-{environment.name}"
    secret = AwsSecretsmanagerSecret(
        stack,
        "tls",
        for_each={
            what: {"name": secret_name(environment, what), "description": words.format(whose)}
            for what, words in _CERTIFICATES.items()
        },
        name=each.value("name"),
        description=each.value("description"),
        kms_key_id=key.arn,
        recovery_window_in_days=30 if environment.production else 0,
        tags=name_tag(environment, "tls"),
    )
    choices = ", ".join(f'"{what}" = {value.inner}' for what, value in values.items())
    written = AwsSecretsmanagerSecretVersion(
        stack,
        "tls",
        # The authority is made once; what it signs is made anew.
        for_each={
            what: environment.redpanda.certificate_version if what == BROKER_TLS else 1 for what in _CERTIFICATES
        },
        secret_id=secret.attr("id", key=each.key),
        secret_string_wo=Expr.of(f"{{{choices}}}[each.key]"),
        secret_string_wo_version=each.value(),
    )
    return {what: secret.attr("arn", key=what) for what in _CERTIFICATES}, written
