"""What the roles of CI may do in AWS: the plan role reads, the apply role makes what the stacks declare.

Made from the resource types of the synthesised stacks, so that a role may do what its environment needs and no more.
Which actions a type needs is `modules/doctor/actions.yaml`, by which `infra doctor` checks a login too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from modules.ci.pipeline import references, region_of
from modules.environment.model import Environment
from modules.environment.names import resource_name
from modules.environment.state import S3State
from modules.errors import SynthError

__all__ = ["apply_statements", "plan_statements", "role_name"]

_READS = ("Describe", "Get", "List")
_NOT_EVERYWHERE = ("secretsmanager:GetSecretValue", "s3:GetObject", "kms:Decrypt", "kms:GenerateDataKey")
"""Actions that read contents: allowed for what is the environment's own, below, never for everything."""
_OF_DATA = {
    "aws_ami": ("ec2:DescribeImages",),
    "aws_availability_zones": ("ec2:DescribeAvailabilityZones",),
    "aws_ec2_managed_prefix_list": ("ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries"),
    "aws_msk_bootstrap_brokers": ("kafka:GetBootstrapBrokers",),
    "aws_msk_cluster": ("kafka:DescribeCluster", "kafka:ListClusters", "kafka:ListClustersV2"),
    "aws_ssm_parameter": (),  # AWS's own parameters are there for everyone who may read them, below
    "aws_subnet": ("ec2:DescribeSubnets",),
    "aws_subnets": ("ec2:DescribeSubnets",),
    "aws_vpc": ("ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"),
}
_PRICES = ("pricing:DescribeServices", "pricing:GetAttributeValues", "pricing:GetProducts")
_GLOBAL = ("iam", "route53")
"""Services that know no region."""

Statement = Mapping[str, object]


def role_name(environment: Environment, role: str) -> str:
    """`<project>-<environment>-ci-plan` and `-ci-apply`."""
    return resource_name(environment, "ci", role)


def plan_statements(
    environment: Environment, types: Sequence[str], data: Iterable[str], account: str, partition: str = "aws"
) -> list[Statement]:
    """Reads what the stacks declare, its own states and secrets; writes lock files alone.

    Args:
        types: the resource types of the stacks; `data` those of their data sources.
        account: the account's id, or what Terraform puts there.
    """
    reads = sorted(action for action in _needed(types) if _is_read(action))
    reads += [action for kind in data for action in _OF_DATA.get(kind, ()) if action not in reads]
    statements: list[Statement] = [_allow("Read", reads, ["*"])] if reads else []
    if "aws_s3_object" in types:
        statements.append(_allow("Objects", ["s3:GetObject"], _own_buckets(environment, partition)))
    statements.append(_allow("Prices", _PRICES, ["*"]))
    statements += _state(environment.state.s3, environment, partition, writes=False)
    statements += _secrets(environment, account, partition)
    statements += _plans(environment, "kms:GenerateDataKey")
    return statements


def apply_statements(
    environment: Environment, types: Sequence[str], data: Iterable[str], account: str, partition: str = "aws"
) -> list[Statement]:
    """Makes, changes and deletes what the stacks declare, and writes their states; never the roles of CI themselves."""
    needed = sorted(action for action in _needed(types) if action not in _NOT_EVERYWHERE)
    needed += [action for kind in data for action in _OF_DATA.get(kind, ()) if action not in needed]
    own = _own(environment)
    by_service = {service: [each for each in needed if each.startswith(f"{service}:")] for service in _GLOBAL}
    regional = [each for each in needed if each.split(":")[0] not in (*_GLOBAL, "secretsmanager", "s3")]
    statements: list[Statement] = []
    if regional:
        where = {"StringEquals": {"aws:RequestedRegion": region_of(environment)}}
        statements.append({**_allow("Region", regional, ["*"]), "Condition": where})
    if by_service["route53"]:
        statements.append(_allow("Names", by_service["route53"], ["*"]))
    statements += _identities(by_service["iam"], own, account, partition)
    kept = [each for each in needed if each.startswith("secretsmanager:")]
    if kept:
        statements.append(_allow("Secrets", kept, _own_secrets(environment, account, partition)))
    objects = [each for each in _needed(types) if each.startswith("s3:")]
    if "s3:CreateBucket" in objects:
        statements.append(_allow("Buckets", objects, _own_buckets(environment, partition)))
    if (plugin := environment.connect.plugin) is not None and plugin.bucket is not None:
        at = f"arn:{partition}:s3:::{plugin.bucket}/{plugin.key}"
        statements.append(_allow("Plugin", ["s3:GetObject", "s3:GetObjectVersion"], [at]))
    statements += _state(environment.state.s3, environment, partition, writes=True)
    statements += _secrets(environment, account, partition, writes=bool(kept))
    # A job that deploys also plans: what was never reviewed, what is left, the way back.
    statements += _plans(environment, "kms:Decrypt", "kms:GenerateDataKey")
    statements.append(_never_itself(environment, account, partition))
    return statements


def _needed(types: Iterable[str]) -> set[str]:
    from modules.doctor.aws import actions_for

    needed, unknown = actions_for(dict.fromkeys(types, 1))
    if unknown:
        raise SynthError(
            f"which actions {', '.join(unknown)} needs is not known, so its role would be too narrow",
            where="modules/doctor/actions.yaml",
            do="add the type there, with the actions of AWS's Service Authorization Reference",
        )
    return set(needed)


def _is_read(action: str) -> bool:
    return action.partition(":")[2].startswith(_READS) and action not in _NOT_EVERYWHERE


def _allow(sid: str, actions: Iterable[str], resources: Sequence[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}


def _state(s3: S3State | None, environment: Environment, partition: str, *, writes: bool) -> Iterator[Statement]:
    """The environment's states and its roles' own; a plan writes nothing but the lock."""
    if s3 is None:
        return
    if s3.role_arn is not None:
        yield _allow("StateRole", ["sts:AssumeRole"], [s3.role_arn])
        return
    bucket = f"arn:{partition}:s3:::{s3.bucket}"
    below = "/".join(part for part in (s3.prefix, environment.project, environment.name) if part)
    yield {
        **_allow("States", ["s3:ListBucket", "s3:ListBucketVersions"], [bucket]),
        "Condition": {"StringLike": {"s3:prefix": [below, f"{below}/*"]}},
    }
    yield _allow("StateBucket", ["s3:GetBucketVersioning", "s3:GetBucketLocation"], [bucket])
    yield _allow("ReadStates", ["s3:GetObject", "s3:GetObjectVersion"], [f"{bucket}/{below}/*"])
    locks = f"{bucket}/{below}/*.tflock"
    yield _allow("LockStates", ["s3:PutObject", "s3:DeleteObject"], [locks])
    if writes:
        written = ("*.tfstate", "deployed.json")  # what was deployed last lies beside the states
        yield _allow("WriteStates", ["s3:PutObject"], [f"{bucket}/{below}/{name}" for name in written])
    if s3.kms_key is not None:
        yield _key("StateKey", s3.kms_key, ["kms:Decrypt", "kms:GenerateDataKey"])


def _secrets(environment: Environment, account: str, partition: str, *, writes: bool = False) -> Iterator[Statement]:
    """Values that its references name, and the logins that its stacks made."""
    region = region_of(environment)
    found = [reference for _, reference in references(environment)]
    named = [f"arn:{partition}:secretsmanager:*:{account}:secret:{each.name.split('#')[0]}-??????" for each in found
             if each.scheme == "aws-sm"]  # fmt: skip
    own = _own_secrets(environment, account, partition) if environment.platform in ("msk", "redpanda") else []
    if named or own:
        yield _allow("ReadSecrets", ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], [*named, *own])
        keys = ["kms:Decrypt", "kms:GenerateDataKey"] if writes else ["kms:Decrypt"]
        via = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
        yield {**_allow("SecretsKey", keys, [f"arn:{partition}:kms:{region}:{account}:key/*"]), "Condition": via}
    parameters = [f"arn:{partition}:ssm:*:{account}:parameter/{each.name.split('#')[0].lstrip('/')}" for each in found
                  if each.scheme == "aws-ssm"]  # fmt: skip
    public = [f"arn:{partition}:ssm:*::parameter/aws/service/*"] if environment.platform == "redpanda" else []
    if parameters or public:
        yield _allow("ReadParameters", ["ssm:GetParameter"], [*parameters, *public])
    if environment.platform == "msk":
        # Topics and ACLs are read through Kafka itself, whose administrator is a role of the cluster stack.
        yield _allow(
            "KafkaLogin", ["sts:AssumeRole"], [f"arn:{partition}:iam::{account}:role/{_own(environment)}-kafka-*"]
        )


def _plans(environment: Environment, *actions: str) -> Iterator[Statement]:
    if environment.plans.kms:
        yield _key("PlanKey", environment.plans.kms, actions)


def _key(sid: str, key: str, actions: Sequence[str]) -> Statement:
    """A key by ARN or id, or by its alias."""
    if key.startswith("arn:") and ":alias/" not in key:
        return _allow(sid, actions, [key])
    if "alias/" in key:
        alias = f"alias/{key.split('alias/', 1)[1]}"
        return {
            **_allow(sid, actions, ["*"]),
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}},
        }
    return _allow(sid, actions, [f"arn:*:kms:*:*:key/{key}"])


def _own(environment: Environment) -> str:
    return f"{environment.project}-{environment.name}"


def _own_secrets(environment: Environment, account: str, partition: str) -> list[str]:
    prefix = f"arn:{partition}:secretsmanager:{region_of(environment)}:{account}:secret:"
    return [f"{prefix}{start}{_own(environment)}-*" for start in ("", "AmazonMSK_")]


def _own_buckets(environment: Environment, partition: str) -> list[str]:
    name = f"arn:{partition}:s3:::{_own(environment)}-*"
    return [name, f"{name}/*"]


def _identities(actions: Sequence[str], own: str, account: str, partition: str) -> Iterator[Statement]:
    """Roles and policies of the environment's own names; a service's own role is AWS's."""
    iam = f"arn:{partition}:iam::{account}"
    linked = "iam:CreateServiceLinkedRole"
    plain = [each for each in actions if each != linked]
    if plain:
        kinds = ("role", "policy", "instance-profile")
        yield _allow("Identities", plain, [f"{iam}:{kind}/{own}-*" for kind in kinds])
    if linked in actions:
        yield _allow("ServiceRoles", [linked], [f"{iam}:role/aws-service-role/*"])


def _never_itself(environment: Environment, account: str, partition: str) -> Statement:
    """Else whoever deploys could widen what deploying may do."""
    iam = f"arn:{partition}:iam::{account}"
    names = f"{_own(environment)}-ci-*"
    resources = [f"{iam}:role/{names}", f"{iam}:policy/{names}", f"{iam}:oidc-provider/*"]
    return {"Sid": "NeverItself", "Effect": "Deny", "Action": ["iam:*"], "Resource": resources}
