"""Brokers of Amazon MSK given by hand that let IAM roles in: from settings as Java clients write them to librdkafka's.

A Java client says `sasl.mechanism=AWS_MSK_IAM` and may name a role or a profile in its JAAS line; librdkafka takes a
signed token instead and asks for a new one before the last runs out. Signing needs the caller's AWS credentials and no
network; becoming a role asks STS.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from modules.errors import ConfigError

__all__ = ["MECHANISM", "PROFILE", "ROLE", "iam_settings", "with_iam"]

MECHANISM = "AWS_MSK_IAM"
ROLE, PROFILE = "infra.aws.role", "infra.aws.profile"
"""Where the role and the profile of a JAAS line are kept until the brokers, and so the region, are known."""

_MODULE = "IAMLoginModule"
_OPTION = re.compile(r'\b(awsRoleArn|awsProfileName)\s*=\s*"([^"]*)"')
_REGION = re.compile(r"\.kafka(?:-serverless)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?:\d+$")


def iam_settings(jaas: str) -> dict[str, str] | None:
    """What a JAAS line of the IAM login says; None where it is another login's."""
    if _MODULE not in jaas:
        return None
    found = dict(_OPTION.findall(jaas))
    kept = {ROLE: found.get("awsRoleArn"), PROFILE: found.get("awsProfileName")}
    return {name: value for name, value in kept.items() if value}


def with_iam(settings: Mapping[str, Any], bootstrap: str) -> dict[str, Any]:
    """The settings with a token instead of the mechanism of Java clients; others as they are.

    Raises:
        ConfigError: the region cannot be told, or there are no AWS credentials to sign with.
    """
    kept = {name: value for name, value in settings.items() if name not in (ROLE, PROFILE)}
    if MECHANISM not in (settings.get("sasl.mechanism"), settings.get("sasl.mechanisms")):
        return kept
    kept.pop("sasl.mechanisms", None)
    region = _region(bootstrap)
    kept |= {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
    if ROLE in settings:
        from modules.platforms.msk import token_callback

        return {**kept, "oauth_cb": token_callback(region, settings[ROLE], "infra-smoke")}
    return {**kept, "oauth_cb": _own_token(region, settings.get(PROFILE))}


def _own_token(region: str, profile: str | None) -> Any:
    """The callback that signs with the caller's own credentials; looked for now rather than at the first use."""
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        credentials = Session(profile=profile).get_credentials()
    except BotoCoreError as error:
        raise ConfigError(f"no AWS credentials to log in with: {error}", where="--client-config") from None
    if credentials is None:
        raise ConfigError(
            "there are no AWS credentials to log in to the brokers with",
            where="--client-config: AWS_MSK_IAM",
            do="log in to AWS (`aws sso login`), set AWS_PROFILE, or name a profile in sasl.jaas.config",
        )

    def callback(_configuration: str) -> tuple[str, float]:
        token, expires_ms = (
            MSKAuthTokenProvider.generate_auth_token_from_profile(region, profile)
            if profile
            else MSKAuthTokenProvider.generate_auth_token(region)
        )
        return token, expires_ms / 1000

    return callback


def _region(bootstrap: str) -> str:
    named = _REGION.search(bootstrap.split(",")[0].strip())
    region = named[1] if named else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ConfigError(
            "which AWS region are these brokers in? Their names do not tell",
            where="--bootstrap",
            do="set AWS_REGION",
        )
    return region
