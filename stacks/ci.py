"""The roles that a CI's jobs take on in AWS: one that plans and one that applies. A stack beside the four, with a state
of its own: a person with an administrator's rights deploys it once (`infra ci roles`); what it trusts never deploys it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.cdk import App
from modules.ci.pipeline import region_of
from modules.ci.rights import Statement, apply_statements, plan_statements, role_name
from modules.ci.trust import AUDIENCE, Repository, Role, trust_statement
from modules.environment.model import Environment
from modules.errors import SynthError
from modules.platforms.declare.aws.provider import aws_provider, policy
from modules.resources.aws import (
    AwsIamOpenidConnectProvider,
    AwsIamPolicy,
    AwsIamRole,
    AwsIamRolePolicyAttachment,
    DataAwsCallerIdentity,
    DataAwsPartition,
)
from modules.resources.base import Stack
from modules.terraform.source import StackSource, read_document

__all__ = ["CI_STACK", "CiStack", "Declares", "declares", "synth_ci"]

CI_STACK = "ci"

_POLICY_LIMIT = 6_144
"""Characters of a managed policy, white space not counted (IAM's quotas)."""
_POLICIES_A_ROLE = 10
"""Managed policies that a role takes unless the account's quota was raised (IAM's quotas)."""
_ACCOUNT_LENGTH = 12


@dataclass(frozen=True)
class Declares:
    """The types of resources and data sources that an environment's stacks have."""

    resources: tuple[str, ...]
    data: tuple[str, ...]


def declares(sources: Sequence[StackSource]) -> Declares:
    """Of AWS, sorted."""
    documents = [read_document(source, source.json_path.read_bytes()) for source in sources]
    found = [
        sorted({kind for document in documents for kind in document.get(section, {}) if kind.startswith("aws_")})
        for section in ("resource", "data")
    ]
    return Declares(tuple(found[0]), tuple(found[1]))


class CiStack(Stack):
    """Outputs `plan_role` and `apply_role`, the ARNs.

    Args:
        new_provider: make the identity provider; else the account has it already.
    """

    needs: tuple[str, ...] = ()

    def __init__(
        self,
        app: App,
        environment: Environment,
        repository: Repository,
        found: Declares,
        *,
        new_provider: bool = True,
    ) -> None:
        super().__init__(app, CI_STACK)
        aws_provider(self, environment, region_of(environment))
        account = str(DataAwsCallerIdentity(self, "current").attr("account_id"))
        partition = str(DataAwsPartition(self, "current").attr("partition"))
        if new_provider:
            made = AwsIamOpenidConnectProvider(self, "jobs", url=repository.issuer, client_id_list=[AUDIENCE])
            provider = str(made.attr("arn"))
        else:
            provider = f"arn:{partition}:iam::{account}:oidc-provider/{repository.claims}"
        rights = {
            "plan": plan_statements(environment, found.resources, found.data, account, partition),
            "apply": apply_statements(environment, found.resources, found.data, account, partition),
        }
        self._role("plan", environment, repository, provider, rights["plan"])
        self._role("apply", environment, repository, provider, rights["apply"])

    def _role(
        self,
        role: Role,
        environment: Environment,
        repository: Repository,
        provider: str,
        statements: Sequence[Statement],
    ) -> None:
        name = role_name(environment, role)
        trust = trust_statement(repository, role, environment.name, provider)
        made = AwsIamRole(
            self,
            role,
            name=name,
            description=f"Jobs of {repository.path} that {role} {environment.name}",
            max_session_duration=3600 if role == "plan" else 4 * 3600,
            assume_role_policy=policy(self, f"trust_{role}", [trust]),
        )
        parts = list(_split(statements))
        if len(parts) > _POLICIES_A_ROLE:
            raise SynthError(
                f"the {role} role needs {len(parts)} policies; a role takes {_POLICIES_A_ROLE}",
                where=environment.source,
            )
        for number, part in enumerate(parts, 1):
            id_ = role if number == 1 else f"{role}-{number}"
            rights = AwsIamPolicy(
                self,
                id_,
                name=name if number == 1 else f"{name}-{number}",
                policy=policy(self, f"rights_{id_}", part),
            )
            AwsIamRolePolicyAttachment(self, id_, role=made.attr("name"), policy_arn=rights.attr("arn"))
        self.output(f"{role}_role", made.attr("arn"), description=f"For the jobs that {role} {environment.name}.")


def _split(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Statements in lots that fit a policy each; one that is too long by itself is divided by its actions."""
    lots: list[list[Statement]] = [[]]
    size = 100
    for statement in [part for each in statements for part in _divided(each)]:
        length = _length(statement)
        if lots[-1] and size + length > _POLICY_LIMIT:
            lots.append([])
            size = 100
        lots[-1].append(statement)
        size += length
    return lots


def _divided(statement: Statement) -> list[Statement]:
    actions = statement["Action"]
    if not isinstance(actions, list) or _length(statement) < _POLICY_LIMIT - 200:
        return [statement]
    half = len(actions) // 2
    first = {**statement, "Action": actions[:half]}
    second = {**statement, "Sid": f"{statement['Sid']}More", "Action": actions[half:]}
    return [*_divided(first), *_divided(second)]


def _length(statement: Statement) -> int:
    """As it will be once account and partition stand in it: shorter than the expressions that stand for them."""
    return len(json.dumps(statement, separators=(",", ":"), default=str)) + _ACCOUNT_LENGTH


def synth_ci(
    environment: Environment, repository: Repository, found: Declares, out: Path, *, new_provider: bool = True
) -> StackSource:
    """Writes `<out>/stacks/ci/cdk.tf.json`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SynthError(f"cannot write the stack: {error.strerror}", where=str(out), do="free space") from None
    app = App(outdir=str(out))
    CiStack(app, environment, repository, found, new_provider=new_provider)
    app.synth()
    return StackSource(CI_STACK, out / "stacks" / CI_STACK / "cdk.tf.json")
