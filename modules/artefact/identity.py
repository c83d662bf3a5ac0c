"""Whose accounts, region and cluster an environment is deployed to, as this machine is logged in now.

A plan for one account applied in another would be refused by nothing else: states and YAML may be the same. A rehearsal
is deployed to nobody's account.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modules.environment.model import Environment
from modules.environment.secrets import resolve_secret
from modules.errors import InfraError, PlanError
from modules.platforms.base import Platform
from modules.project import Project
from modules.terraform.source import StackSource, read_document

__all__ = ["identity_of"]

_CONFLUENT = "https://api.confluent.cloud/org/v2/environments?page_size=1"
_SECONDS = 10


def identity_of(
    environment: Environment,
    project: Project,
    platform: Platform,
    stacks: Sequence[StackSource],
    cluster: Mapping[str, Any],
    *,
    confluent_url: str = _CONFLUENT,
) -> dict[str, str]:
    """What each account, region and cluster is called → which it is.

    Args:
        cluster: the cluster stack's outputs.

    Raises:
        PlanError: who this is cannot be asked.
        SecretError: a login is missing.
    """
    if project.offline:
        return {}
    found: dict[str, str] = {}
    providers = {name: body for source in stacks for name, body in _providers(source)}
    if "aws" in providers:
        found |= _aws(str(providers["aws"].get("region") or ""))
    if "confluent" in providers:
        found["Confluent organization"] = _organization(environment, project, confluent_url)
    if "snowflake" in providers:
        found |= _snowflake(platform)
    if identifier := _cluster(environment, project, cluster):
        found["Kafka cluster"] = identifier
    return found


def _providers(source: StackSource) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, body in (read_document(source, source.json_path.read_bytes()).get("provider") or {}).items():
        first = body[0] if isinstance(body, list) and body else body
        yield name, first if isinstance(first, Mapping) else {}


def _aws(region: str) -> dict[str, str]:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        patience = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
        client = boto3.client("sts", region_name=region or None, config=patience)
        return {"AWS account": str(client.get_caller_identity()["Account"]), "AWS region": client.meta.region_name}
    except (BotoCoreError, ClientError, ValueError) as error:
        raise PlanError(
            f"AWS does not say whose account this is: {error}",
            where="sts:GetCallerIdentity",
            do="log in to AWS; a plan is bound to the account it is made for",
        ) from None


def _organization(environment: Environment, project: Project, url: str) -> str:
    """The organization's id, from the resource name of any of its environments."""
    login = [
        resolve_secret(reference, project)
        for reference in (environment.confluent.cloud_api_key, environment.confluent.cloud_api_secret)
    ]
    request = urllib.request.Request(  # noqa: S310
        url, headers={"Authorization": f"Basic {b64encode(':'.join(login).encode()).decode()}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            first = json.load(answer)["data"][0]
        name = str(first["metadata"]["resource_name"])
        return name.split("organization=", 1)[1].split("/", 1)[0]
    except (urllib.error.URLError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        reason = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        raise PlanError(
            f"Confluent Cloud does not say which organization this is ({reason})",
            where=url,
            do="check confluent.cloud_api_key and the network; a plan is bound to the organization it is made for",
        ) from None


def _snowflake(platform: Platform) -> dict[str, str]:
    try:
        client = platform.snowflake_client("admin")
    except InfraError:
        return {}  # another engine makes the estate, and who deploys has no login
    return {"Snowflake account": f"{client.organization}-{client.account}"}


def _cluster(environment: Environment, project: Project, outputs: Mapping[str, Any]) -> str | None:
    if environment.platform == "local":
        from modules.local.kafka import cluster_id

        return cluster_id(project) or None
    for name in ("cluster_id", "cluster_arn", "bootstrap_servers", "bootstrap"):
        if isinstance(outputs.get(name), str):
            return str(outputs[name])
    return None
