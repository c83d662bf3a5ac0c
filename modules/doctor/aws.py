"""AWS: who this machine is there, whether that may do what the stacks need, and whether the account has room for it.

Actions a resource type needs are data (`actions.yaml`). Rights are asked of IAM's own simulator, which counts the
identity's policies and its organization's; what it cannot know (a resource's own policy, a session's) is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from modules.doctor.patient import Patient
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.findings import Finding
from modules.platforms.names import resource_name

__all__ = ["actions_for", "identity", "permissions", "quotas", "wanted"]

_BATCH = 50
"""Actions of one question."""
_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/")
_ACCOUNT = re.compile(r"arn:aws[\w-]*:[\w-]*:[\w-]*:(\d{12}):")


def wanted(patient: Patient, environment: Environment) -> bool:
    """Whether the environment's stacks make anything in AWS."""
    return environment.platform != "local" and patient.region() is not None


@contextmanager
def _asked(what: str) -> Iterator[None]:
    """AWS's refusals as ours.

    Raises:
        ServiceError: no login, no network, or not allowed.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    login = "log in (`aws sso login`), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    try:
        yield
    except NoCredentialsError:
        raise ServiceError("no AWS credentials are found", do=login) from None
    except ClientError as error:
        its = error.response.get("Error", {})
        code = str(its.get("Code", "an error"))
        do = login if "Token" in code or "AccessKey" in code or "Signature" in code else f"allow {what}"
        raise ServiceError(f"AWS refuses {what}: {code}: {its.get('Message', '')}".rstrip(": "), do=do) from None
    except BotoCoreError as error:
        raise ServiceError(f"AWS cannot be asked ({what}): {error}", do=login) from None


def _caller(patient: Patient) -> Mapping[str, str]:
    with _asked("sts:GetCallerIdentity"):
        found: Mapping[str, str] = patient.aws("sts", str(patient.region())).get_caller_identity()
    return found


def _caller_if_known(patient: Patient) -> Mapping[str, str] | None:
    """None where nobody is logged in, which `identity` says."""
    try:
        return _caller(patient)
    except ServiceError:
        return None


def identity(patient: Patient) -> Iterator[Finding]:
    """Account, ARN and region; against the account that was deployed to."""
    caller = _caller(patient)
    account, arn, region = caller["Account"], caller["Arn"], patient.region()
    if arn.endswith(":root"):
        do = "log in as a user or role of its own: the root user cannot be limited"
        yield Finding("aws", "warn", f"account {account}, {region}, as its root user", do)
    deployed = _accounts_of(patient)
    if deployed and account not in deployed:
        text = f"{patient.environment} was deployed to account {', '.join(sorted(deployed))}, this is {account}"
        yield Finding("aws", "fail", text, "log in to that account (AWS_PROFILE)", (arn,))
    elif not arn.endswith(":root"):
        as_deployed = ", where it was deployed" if deployed else ""
        yield Finding(
            "aws", "ok", f"account {account}{as_deployed}, {region}, as {arn.rpartition(':')[2]}", None, (arn,)
        )


def _accounts_of(patient: Patient) -> set[str]:
    """The accounts in the ARNs that a deploy recorded."""
    found: set[str] = set()
    for stack in patient.stacks or ("cluster",):
        found |= set(_ACCOUNT.findall(str(patient.outputs(stack) or "")))
    return found


# --- permissions ---


@cache
def _table() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "actions.yaml").read_text(encoding="utf-8"))
    return loaded


def actions_for(types: Mapping[str, int]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Action → the resource types that need it, and the types of AWS whose actions are not known."""
    needed: dict[str, tuple[str, ...]] = {}
    unknown = []
    for kind in sorted(each for each in types if each.startswith("aws_")):
        listed = _table()["resources"].get(kind)
        if listed is None:
            unknown.append(kind)
        for action in listed or ():
            needed[action] = (*needed.get(action, ()), kind)
    return needed, tuple(unknown)


def permissions(patient: Patient) -> Iterator[Finding]:
    """The actions that the stacks' resources need, against what this login may."""
    needed, unknown = actions_for(patient.declared())
    caller = _caller_if_known(patient)
    if not needed or caller is None:
        return
    try:
        source = _principal(patient, caller)
        denied = sorted(_denied(patient, source, needed, caller["Account"]))
    except ServiceError as error:
        do = f"{error.do} to know; the {len(needed)} actions needed are below"
        yield Finding("aws permissions", "warn", f"not known: {error.what}", do, tuple(_by_service(needed)))
        return
    if unknown:
        do = "look at the provider's documentation"
        yield Finding("aws permissions", "warn", f"what {', '.join(unknown)} need is not known here", do)
    if denied:
        kinds = {kind for action in denied for kind in needed[action]}
        text = f"{len(denied)} of {len(needed)} actions that the stacks need are not allowed"
        do = f"add them to a policy of {source.rpartition(':')[2]} ({len(kinds)} resource types need them)"
        lines = (f"{action}: {', '.join(needed[action][:3])}" for action in denied)
        yield Finding("aws permissions", "fail", text, do, tuple(lines))
    else:
        yield Finding("aws permissions", "ok", f"all {len(needed)} actions that the stacks need are allowed")


def _by_service(actions: Mapping[str, object]) -> Iterator[str]:
    services: dict[str, list[str]] = {}
    for action in sorted(actions):
        service, _, name = action.partition(":")
        services.setdefault(service, []).append(name)
    for service, names in services.items():
        yield f"{service}: {', '.join(names)}"


def _principal(patient: Patient, caller: Mapping[str, str]) -> str:
    """The user or role whose policies are asked about; of a session its role, with its path."""
    match = _ROLE.match(caller["Arn"])
    if match is None:
        return caller["Arn"]
    with _asked("iam:GetRole"):
        role = patient.aws("iam", str(patient.region())).get_role(RoleName=match["role"])["Role"]
    return str(role["Arn"])


def _denied(patient: Patient, source: str, needed: Mapping[str, object], account: str) -> Iterator[str]:
    if source.endswith(":root"):
        return
    environment = patient.load()
    assert environment is not None
    iam = patient.aws("iam", str(patient.region()))
    names = {
        "partition": source.split(":")[1], "region": patient.region(), "account": account,
        "name": resource_name(environment, "doctor", limit=64),
    }  # fmt: skip
    for service in sorted({action.partition(":")[0] for action in needed}):
        actions = sorted(action for action in needed if action.startswith(f"{service}:"))
        # A policy may be for names of this project only, and "*" would be denied then.
        pattern = _table()["names"].get(service)
        about = {"ResourceArns": [pattern.format(**names)]} if pattern else {}
        for start in range(0, len(actions), _BATCH):
            part = actions[start : start + _BATCH]
            with _asked("iam:SimulatePrincipalPolicy"):
                pages = iam.get_paginator("simulate_principal_policy").paginate(
                    PolicySourceArn=source, ActionNames=part, **about
                )
                results = [each for page in pages for each in page["EvaluationResults"]]
            yield from (str(each["EvalActionName"]) for each in results if each["EvalDecision"] != "allowed")


# --- quotas ---


@dataclass(frozen=True)
class _Quota:
    """One limit of an account in a region.

    `default` is AWS's, taken where Service Quotas may not be asked (its source: docs.aws.amazon.com, read 2026-11).
    """

    title: str
    service: str
    name: str
    """A pattern of the quota's name in Service Quotas."""
    default: float
    need: Callable[[Patient, Environment], float]
    used: Callable[[Patient], float] | None
    """What the account has already; None where AWS has no cheap answer."""


def _vpcs(patient: Patient) -> float:
    client = patient.aws("ec2", str(patient.region()))
    return sum(len(page["Vpcs"]) for page in client.get_paginator("describe_vpcs").paginate())


def _addresses(patient: Patient) -> float:
    client = patient.aws("ec2", str(patient.region()))
    return sum(bool(each.get("Domain", "vpc") == "vpc") for each in client.describe_addresses()["Addresses"])


def _brokers(patient: Patient) -> float:
    client = patient.aws("kafka", str(patient.region()))
    pages = client.get_paginator("list_clusters_v2").paginate(ClusterTypeFilter="PROVISIONED")
    clusters = [each for page in pages for each in page["ClusterInfoList"]]
    return sum(int(each.get("Provisioned", {}).get("NumberOfBrokerNodes", 0)) for each in clusters)


def _declared(kind: str) -> Callable[[Patient, Environment], float]:
    return lambda patient, environment: patient.declared().get(kind, 0)


def _broker_need(patient: Patient, environment: Environment) -> float:
    return environment.msk.brokers if patient.declared().get("aws_msk_cluster") else 0


def _fargate_need(patient: Patient, environment: Environment) -> float:
    total = 0.0
    for document in patient.stacks.values():
        for body in (document.get("resource") or {}).get("aws_ecs_task_definition", {}).values():
            cpu = str(body.get("cpu") or "")
            if "FARGATE" in (body.get("requires_compatibilities") or ()) and cpu.isdecimal():
                total += int(cpu) / 1024
    return total


_QUOTAS = (
    _Quota("VPCs", "vpc", r"VPCs per Region", 5, _declared("aws_vpc"), _vpcs),
    _Quota("Elastic IP addresses", "ec2", r"EC2-VPC Elastic IPs", 5, _declared("aws_eip"), _addresses),
    _Quota("MSK brokers", "kafka", r"(?i).*brokers per account.*", 90, _broker_need, _brokers),
    _Quota("Fargate vCPU", "fargate", r"Fargate On-Demand vCPU resource count", 6, _fargate_need, None),
)


def quotas(patient: Patient) -> Iterator[Finding]:
    """Room in the account for what is not made yet."""
    environment = patient.load()
    if environment is None or _caller_if_known(patient) is None:
        return
    if patient.outputs() is not None:
        yield Finding("aws quotas", "ok", f"{environment.name} is deployed: what it needs is there already")
        return
    for quota in _QUOTAS:
        need = quota.need(patient, environment)
        if need:
            yield _room(patient, quota, need)


def _room(patient: Patient, quota: _Quota, need: float) -> Finding:
    try:
        limit, assumed = _limit(patient, quota), ""
    except ServiceError:
        limit, assumed = quota.default, " (AWS's default; servicequotas:ListServiceQuotas would tell this account's)"
    try:
        with _asked(f"what there is of {quota.title}"):
            used = quota.used(patient) if quota.used else None
    except ServiceError as error:
        return Finding("aws quotas", "warn", f"{quota.title}: {need:g} of {limit:g} needed; {error.what}", error.do)
    taken = f", {used:g} in use" if used is not None else ""
    text = f"{quota.title}: {need:g} needed{taken}, {limit:g} allowed{assumed}"
    if need + (used or 0) > limit:
        do = f"ask for more in Service Quotas ({quota.service}), or delete what is not needed any more"
        return Finding("aws quotas", "fail", text, do)
    return Finding("aws quotas", "ok", text)


def _limit(patient: Patient, quota: _Quota) -> float:
    with _asked("servicequotas:ListServiceQuotas"):
        client = patient.aws("service-quotas", str(patient.region()))
        pages = client.get_paginator("list_service_quotas").paginate(ServiceCode=quota.service)
        found = [each for page in pages for each in page["Quotas"] if re.fullmatch(quota.name, each["QuotaName"])]
    return min((float(each["Value"]) for each in found), default=quota.default)
