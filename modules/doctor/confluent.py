"""Confluent Cloud: whose the Cloud API key is, what that may do, and whether the organization has room.

Asked are `/iam/v2/api-keys`, `/org/v2/organizations`, `/iam/v2/role-bindings` and `/service-quota/v1/applied-quotas`
(docs.confluent.io/cloud/current/api.html).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from modules.adoption.confluent import ConfluentApi
from modules.doctor.patient import Patient
from modules.environment.secrets import resolve_secret
from modules.errors import ConfigError, InfraError, SecretError, ServiceError
from modules.findings import Finding

__all__ = ["identity", "quotas"]

_MAKES_ENVIRONMENTS = "OrganizationAdmin"
_PAGES = 20
_NEARLY = 0.9

_COUNTED = {
    "iam.max_environments.per_org": "confluent_environment",
    "iam.max_service_accounts.per_org": "confluent_service_account",
    "iam.max_cloud_api_keys.per_org": "",
}
"""Quotas of an organization that a deploy adds to → the resource type it adds."""


def _api(patient: Patient) -> ConfluentApi | None:
    """None where the key cannot be had, which is what `secrets` says."""
    environment = patient.load()
    assert environment is not None
    its = environment.confluent
    with contextlib.suppress(SecretError):
        return ConfluentApi(
            resolve_secret(its.cloud_api_key, patient.project),
            resolve_secret(its.cloud_api_secret, patient.project),
            patient.confluent,
        )
    return None


def identity(patient: Patient) -> Iterator[Finding]:
    """The key's owner and organization, the roles of the owner; against the cluster that was deployed."""
    environment = patient.load()
    api = _api(patient) if environment else None
    if environment is None or api is None:
        return
    organization = _first(api.get("/org/v2/organizations"))
    try:
        spec = api.get(f"/iam/v2/api-keys/{api.key}").get("spec") or {}
    except (ConfigError, ServiceError):
        spec = {}  # a key may see its organization and not itself
    owner, resource = spec.get("owner") or {}, spec.get("resource") or {}
    name = f"organization {organization.get('display_name') or '?'} ({organization.get('id', '?')})"
    if resource.get("id") and not str(resource["id"]).startswith("cloud") and resource.get("kind") != "Cloud":
        do = "make one with the scope “Cloud resource management” and name it in confluent.cloud_api_key"
        yield Finding("confluent", "fail", f"{name}: the key is of {resource['id']}, not a Cloud API key", do)
        return
    whose = f", key of {owner['id']}" if owner.get("id") else ""
    deployed = patient.outputs()
    cluster = str((deployed or {}).get("cluster_id") or "")
    if deployed and cluster and not _sees(api, str(deployed.get("environment_id") or ""), cluster):
        text = f"{name}{whose}: {environment.name}'s cluster {cluster} is not to be seen with it"
        yield Finding("confluent", "fail", text, "use a key of the organization it was deployed to")
        return
    yield Finding("confluent", "ok", f"{name}{whose}")
    if owner.get("id") and organization.get("id"):
        yield from _roles(api, str(organization["id"]), str(owner["id"]), bool(patient.outputs()))


def _sees(api: ConfluentApi, environment: str, cluster: str) -> bool:
    if not environment:
        return True  # an older deploy did not record it
    try:
        api.get(f"/cmk/v2/clusters/{cluster}", environment=environment)
    except (ConfigError, ServiceError):
        return False
    return True


def _roles(api: ConfluentApi, organization: str, owner: str, deployed: bool) -> Iterator[Finding]:
    pattern = f"crn://confluent.cloud/organization={organization}/*"
    try:
        bindings = list(_all(api, "/iam/v2/role-bindings", crn_pattern=pattern, principal=f"User:{owner}"))
        bindings += list(
            _all(api, "/iam/v2/role-bindings", crn_pattern=pattern.removesuffix("/*"), principal=f"User:{owner}")
        )
    except InfraError as error:
        do = f"look at the roles of {owner} in the console: {_MAKES_ENVIRONMENTS} is needed"
        yield Finding("confluent permissions", "warn", f"not known: {error.what}", do)
        return
    roles = sorted({str(each.get("role_name")) for each in bindings})
    if _MAKES_ENVIRONMENTS in roles:
        yield Finding("confluent permissions", "ok", f"{owner} is {_MAKES_ENVIRONMENTS}")
        return
    held = ", ".join(roles) or "none"
    do = f"give {owner} the role {_MAKES_ENVIRONMENTS}, or use a key of an account that has it"
    text = f"{owner} has the roles {held}; environments and service accounts are made by {_MAKES_ENVIRONMENTS}"
    yield Finding("confluent permissions", "warn" if deployed or "EnvironmentAdmin" in roles else "fail", text, do)


def quotas(patient: Patient) -> Iterator[Finding]:
    """The organization's limits, those that are nearly used up."""
    declared = patient.declared() if patient.outputs() is None else {}
    found, full = 0, []
    api = _api(patient)
    if api is None:
        return
    try:
        for each in _all(api, "/service-quota/v1/applied-quotas", scope="ORGANIZATION"):
            found += 1
            limit, usage = float(each.get("applied_limit") or 0), each.get("usage")
            if not limit or usage is None:
                continue
            need = declared.get(_COUNTED.get(str(each.get("id")), ""), 0)
            title = each.get("display_name") or each.get("id")
            text = f"{title}: {need} needed, {usage} of {limit:g} in use"
            if need and float(usage) + need > limit:
                full.append(
                    Finding("confluent quotas", "fail", text, "ask Confluent for more, or delete what is not used")
                )
            elif float(usage) >= _NEARLY * limit:
                full.append(Finding("confluent quotas", "warn", text, "ask Confluent for more before it is full"))
    except ServiceError as error:
        yield Finding("confluent quotas", "warn", f"not known: {error.what}", error.do)
        return
    yield from full or [Finding("confluent quotas", "ok", f"room in all {found} quotas of the organization")]


def _first(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = answer.get("data")
    return data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}


def _all(api: ConfluentApi, path: str, **query: str) -> Iterator[Mapping[str, Any]]:
    """Every item of a list, page by page."""
    for _ in range(_PAGES):
        answer = api.get(path, **query)
        yield from answer.get("data") or ()
        following = urlsplit(str((answer.get("metadata") or {}).get("next") or ""))
        token = parse_qs(following.query).get("page_token")
        if not token:
            return
        query = {**query, "page_token": token[0]}
