"""Customer keys and logins: user names with passwords in Secrets Manager, which Terraform writes and never keeps.

The passwords come as one ephemeral variable, a JSON object of role → password, and go through the write-only argument
into the secret: neither plan nor state has them. Clients read them back by reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modules.environment.model import Environment
from modules.platforms.aws import PASSWORDS, fresh_password, secret_name
from modules.platforms.declare.aws.provider import allow, name_tag
from modules.platforms.names import resource_name
from modules.resources.aws import AwsKmsAlias, AwsKmsKey, AwsSecretsmanagerSecret, AwsSecretsmanagerSecretVersion
from modules.resources.base import Resource, Stack
from modules.resources.expressions import Expr, each, function

__all__ = [
    "PASSWORDS",
    "KeyRef",
    "Logins",
    "declare_key",
    "declare_logins",
    "fresh_password",
    "password_of",
    "passwords_variable",
    "pull_statements",
    "read_statements",
    "secret_name",
]


@dataclass(frozen=True)
class KeyRef:
    """A customer's key in KMS."""

    arn: Expr
    id: Expr


@dataclass(frozen=True)
class Logins:
    """Secrets by role; each is a JSON object with `username` and `password`.

    Attributes:
        arns: the secrets.
        references: `aws-sm:ARN` for clients: an ARN carries its region, a name would mean the client's own.
        versions: what must be written before anyone logs in; for `depends_on`.
    """

    arns: Mapping[str, Expr]
    references: Mapping[str, str]
    versions: Resource


def declare_key(
    stack: Stack, environment: Environment, id_: str, description: str, *, policy: str | None = None
) -> KeyRef:
    """A key that rotates yearly, with the alias `<project>-<environment>-<id>`; kept 30 days after a deletion."""
    key = AwsKmsKey(
        stack,
        id_,
        description=description,
        enable_key_rotation=True,
        deletion_window_in_days=30 if environment.production else 7,
        policy=policy,
        tags=name_tag(environment, id_),
        # What it encrypts is lost with it.
        lifecycle={"prevent_destroy": True} if environment.production else None,
    )
    alias = f"alias/{resource_name(environment, id_, limit=250)}"
    AwsKmsAlias(stack, id_, name=alias, target_key_id=key.attr("key_id"))
    return KeyRef(arn=key.attr("arn"), id=key.attr("key_id"))


def passwords_variable(stack: Stack) -> Expr:
    """Declares the ephemeral variable that brings the passwords of a cluster stack."""
    return stack.variable(
        PASSWORDS, sensitive=True, ephemeral=True, description="JSON: role → password; written, never kept."
    )


def password_of(passwords: Expr, role: str | Expr) -> Expr:
    """One role's password, ephemeral: for write-only arguments only.

    Text that is no JSON is everyone's password: that is how a rehearsal fills the variable.
    """
    key = role.inner if isinstance(role, Expr) else json.dumps(role)
    decoded = function("jsondecode", passwords).inner
    return Expr.of(f"can({decoded}) ? {decoded}[{key}] : {passwords.inner}")


def declare_logins(
    stack: Stack,
    environment: Environment,
    users: Mapping[str, str],
    key: KeyRef,
    passwords: Expr,
    *,
    id_: str = "login",
    prefix: str = "",
    version: int = 1,
) -> Logins:
    """A secret a role, `<prefix><project>-<environment>-<role>`.

    Args:
        users: role → user name.
        key: what encrypts them; MSK refuses SCRAM secrets under AWS's own key.
        passwords: the variable of `passwords_variable`.
        prefix: how their names begin (`AmazonMSK_`).
        version: raised to write new passwords.
    """
    secret = AwsSecretsmanagerSecret(
        stack,
        id_,
        for_each={role: secret_name(environment, role, prefix) for role in users},
        name=each.value(),
        description=f"Login of {each.key} in {environment.project}-{environment.name}",
        kms_key_id=key.arn,
        # A test environment is made again under the same names the same day.
        recovery_window_in_days=30 if environment.production else 0,
    )
    written = AwsSecretsmanagerSecretVersion(
        stack,
        id_,
        for_each=dict(users),
        secret_id=secret.attr("id", key=each.key),
        secret_string_wo=Expr.of(
            f"jsonencode({{username = each.value, password = {password_of(passwords, each.key).inner}}})"
        ),
        secret_string_wo_version=version,
    )
    arns = {role: secret.attr("arn", key=role) for role in users}
    return Logins(arns, {role: f"aws-sm:{arn}" for role, arn in arns.items()}, written)


def read_statements(arns: Sequence[str], key: KeyRef) -> list[dict[str, object]]:
    """What a task needs to be given these secrets when it starts."""
    return [
        allow("Secrets", ["secretsmanager:GetSecretValue"], arns),
        allow("Key", ["kms:Decrypt"], [key.arn]),
    ]


def pull_statements(image: str) -> list[dict[str, object]]:
    """What a task needs to be given its image; none for one that is not in ECR."""
    match = re.fullmatch(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)[:@].+", image)
    if match is None:
        return []
    account, region, repository = match.groups()
    layers = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    return [
        # A token is for a whole registry; the service knows no narrower resource for it.
        allow("Token", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("Image", layers, [f"arn:aws:ecr:{region}:{account}:repository/{repository}"]),
    ]
