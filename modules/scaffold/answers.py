"""What a person is asked for a new environment, and what is wrong with an answer. Nothing is written here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from modules.environment.types import DataRateValue, DataSizeValue
from modules.errors import ConfigError

__all__ = ["LOCAL", "PLATFORMS", "Answers", "check_answers", "option_named"]

LOCAL = "local"
PLATFORMS: Mapping[str, str] = {
    LOCAL: "a laptop: Kafka, Schema Registry and a Snowflake stand-in on 127.0.0.1",
    "confluent-basic": "Confluent Cloud, pay by use",
    "confluent-standard": "Confluent Cloud with high availability",
    "confluent-enterprise": "Confluent Cloud on a private network",
    "confluent-freight": "Confluent Cloud for much data and relaxed latency, private",
    "confluent-dedicated": "Confluent Cloud on a cluster of its own",
    "msk": "Amazon MSK, Standard brokers",
    "msk-express": "Amazon MSK, Express brokers",
    "msk-serverless": "Amazon MSK without brokers to size, IAM only",
    "redpanda-ec2": "Redpanda on machines of one's own",
    "redpanda-fargate": "Redpanda on Fargate",
}
"""What can be chosen: the laptop, and the options that `infra cost compare` shows."""

_SHORT = {"confluent": "confluent-basic", "redpanda": "redpanda-ec2", "msk-provisioned": "msk"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{0,23}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True)
class Answers:
    """One environment to be made.

    Attributes:
        option: a key of `PLATFORMS`.
        ingress, message_size: as the YAML has them, `1GB/day` and `1KiB`.
    """

    name: str
    option: str
    region: str = "us-east-1"
    project: str = "streaming"
    ingress: str = "1GB/day"
    message_size: str = "1KiB"
    production: bool = False

    @property
    def platform(self) -> str:
        return self.option.partition("-")[0]

    @property
    def mode(self) -> str:
        """Tier, mode or compute of the platform."""
        return self.option.partition("-")[2] or "provisioned"


def option_named(given: str) -> str:
    """The option that `--platform` means; a platform's name alone is its cheapest one.

    Raises:
        ConfigError: there is none.
    """
    found = _SHORT.get(given.lower(), given.lower())
    if found in PLATFORMS:
        return found
    close = difflib.get_close_matches(found, PLATFORMS, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    raise ConfigError(
        f"there is no platform `{given}`", where="--platform", do=f"{hint}choose one of: {', '.join(PLATFORMS)}"
    )


def check_answers(answers: Answers) -> None:
    """
    Raises:
        ConfigError: one of them cannot be, with the option that gives it.
    """
    if not _NAME.fullmatch(answers.name) or answers.name == "base":
        raise ConfigError(
            f"`{answers.name}` cannot be an environment's name",
            where="NAME",
            do="use letters, digits, `-` and `_`, such as dev; `base` is what environments extend",
        )
    if not _PROJECT.fullmatch(answers.project):
        raise ConfigError(
            f"`{answers.project}` cannot be a project's name",
            where="--project",
            do="use up to 24 small letters, digits and `-`, a letter first",
        )
    if answers.option != LOCAL and not _REGION.fullmatch(answers.region):
        raise ConfigError(
            f"`{answers.region}` is not a region of AWS", where="--region", do="give one, such as eu-central-1"
        )
    for option, value, kind in (
        ("--ingress", answers.ingress, DataRateValue),
        ("--message-size", answers.message_size, DataSizeValue),
    ):
        try:
            kind.parse(value)
        except ValueError as error:
            raise ConfigError(str(error), where=option, do="write it as the YAML has it") from None
