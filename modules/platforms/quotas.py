"""Where quotas of applications take effect, and where a platform has none.

One file of an application is for all environments, so a quota that one platform cannot hold is no mistake: it is left
out there, and every plan says so.
"""

from __future__ import annotations

import re

from modules.environment.model import Environment
from modules.topics import QuotaSpec, quota_specs

__all__ = ["quotas_left_out", "quotas_of", "why_none"]


_REDPANDA_USERS = (26, 1)
"""docs.redpanda.com/streaming/26.1/reference/rpk/rpk-cluster/rpk-cluster-quotas-alter has the entity `user`; earlier
versions know client ids only."""


def why_none(environment: Environment) -> str | None:
    """Why the environment's platform limits no application; None where it does."""
    if environment.platform == "local":
        return "the laptop's plugin cannot set any"
    if environment.platform == "confluent" and environment.confluent.tier != "dedicated":
        # docs.confluent.io/cloud/current/quotas/overview.html, read 2026-11
        return f"Confluent Cloud has client quotas on dedicated clusters only, not on {environment.confluent.tier} ones"
    if environment.platform == "msk" and environment.msk.mode == "serverless":
        return "MSK Serverless has no client quotas"
    if environment.platform == "msk" and environment.msk.login == "iam":
        return "with IAM every session is a user of its own to Kafka, which a quota cannot name"
    version = re.search(r":v(\d+)\.(\d+)", environment.redpanda.image)
    if environment.platform == "redpanda" and version and (int(version[1]), int(version[2])) < _REDPANDA_USERS:
        return f"Redpanda limits users from v26.1 on, and this one is v{version[1]}.{version[2]}"
    return None


def quotas_of(environment: Environment) -> list[QuotaSpec]:
    """The quotas that are set."""
    return quota_specs(environment) if why_none(environment) is None else []


def quotas_left_out(environment: Environment) -> list[str]:
    """A line for people where quotas are asked for and not set."""
    reason = why_none(environment)
    names = [spec.role for spec in quota_specs(environment)]
    if reason is None or not names:
        return []
    what = f"quota of {names[0]} is" if len(names) == 1 else f"quotas of {', '.join(names[:-1])} and {names[-1]} are"
    return [f"the {what} left out: {reason}"]
