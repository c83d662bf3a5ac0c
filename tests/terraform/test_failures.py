"""What Terraform's and the providers' words become: what happened, where, what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.errors import ApplyError
from modules.terraform.events import Diagnostic
from modules.terraform.failures import terraform_failure

FOLDER = Path("/nowhere/.infra/env/dev/topics")


def told(*errors: tuple[str, str], phase: str = "apply") -> str:
    found = [Diagnostic("error", summary, detail, "kafka_topic.a") for summary, detail in errors]
    return str(terraform_failure(found, stack="topics", folder=FOLDER.parent, phase=phase))


@pytest.mark.parametrize(
    "words",
    [
        "operation error STS: GetCallerIdentity, api error ExpiredToken: The security token included in the request is "
        "expired",
        "api error ExpiredTokenException: Token is expired",
        "390114 (08001): Authentication token has expired.  The user must authenticate again.",
        "failed to refresh cached credentials, the SSO session has expired or is invalid",
        "error 401: The API key has expired",
        "operation error EC2: api error RequestExpired: Request has expired.",
    ],
)
def test_expired_credentials_half_way_are_told_as_that(words: str) -> None:
    text = told(("creating the thing", words))
    assert text.startswith("stack topics: the credentials have expired half-way\n")
    assert text.endswith(
        "\n  → log in anew (on AWS: `aws sso login`, or a fresh role session), `infra doctor` shows who you are; "
        "then run the command again"
    )
    assert words.split(":")[-1].strip()[:20] in text


@pytest.mark.parametrize(
    "words",
    [
        "api error InvalidClientTokenId: The security token included in the request is invalid.",
        "390144 (08004): JWT token is invalid. [7c1]",
        "Kafka: client has run out of available brokers to talk to: SASL authentication failed",
        "error creating topic: 401 Unauthorized: Unauthorized",
    ],
)
def test_refused_credentials_are_told_as_that(words: str) -> None:
    text = told(("creating the thing", words), phase="plan")
    assert text.startswith("stack topics: the service refuses the credentials\n")
    assert "`infra secrets check`" in text


@pytest.mark.parametrize(
    "words",
    ["a token bucket is full", "retention has no expiry", "the certificate of the cluster expires in 30 days"],
)
def test_words_that_only_sound_like_it_are_passed_on(words: str) -> None:
    assert "credentials" not in told(("creating the thing", words))


def test_an_object_that_exists_already_is_offered_for_import() -> None:
    assert told(("topic a already exists at 127.0.0.1:9092", "It is not in this state.")) == (
        "stack topics, kafka_topic.a: the object exists already and is in no state\n"
        "  kafka_topic.a: topic a already exists at 127.0.0.1:9092: It is not in this state.\n"
        "  → plan again: what a deploy from here had begun is taken over; else `infra import --env env --write` if it "
        "is this environment's, or give yours another name"
    )


def test_where_something_else_failed_too_that_is_told_first() -> None:
    text = told(("Invalid config", "retention.ms is no number"), ("topic b already exists", ""))
    assert text.startswith("stack topics, kafka_topic.a: Invalid config: retention.ms is no number\n")


def test_an_apply_error_is_an_apply_error() -> None:
    error = terraform_failure([Diagnostic("error", "x", "ExpiredToken")], stack="s", folder=FOLDER, phase="apply")
    assert isinstance(error, ApplyError)
