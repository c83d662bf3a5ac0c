"""The REST client against a real HTTP server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modules.connectors.sink.settings import SinkSettings
from modules.connectors.sink.snowpipe import ChannelStale, Snowpipe, Stopping
from modules.environment.types import SecretRefValue
from modules.errors import SecretError, SinkError
from tests.sink.conftest import settings_with
from tests.sink.fake_snowpipe import FakeSnowpipe

ROW = json.dumps({"EVENT_ID": "1"}).encode() + b"\n"


def test_an_opened_channel_takes_rows_and_tells_the_committed_offset(
    fake: FakeSnowpipe, settings: SinkSettings
) -> None:
    snowpipe = Snowpipe(settings)
    opened = snowpipe.open_channel("g.t.0")
    assert opened.status.committed is None
    following = snowpipe.append_rows("g.t.0", opened.continuation, ROW * 3, 0, 2)
    snowpipe.append_rows("g.t.0", following, ROW, 3, 3)
    status = snowpipe.channel_statuses(["g.t.0", "unknown"])
    assert list(status) == ["g.t.0"]
    assert (status["g.t.0"].committed, status["g.t.0"].errors) == (3, 0)
    assert len(fake.rows) == 4
    assert snowpipe.open_channel("g.t.0").status.committed == 3


def test_a_continuation_token_used_after_another_client_opened_is_stale(
    fake: FakeSnowpipe, settings: SinkSettings
) -> None:
    snowpipe = Snowpipe(settings)
    opened = snowpipe.open_channel("c")
    fake.steal("c")
    with pytest.raises(ChannelStale):
        snowpipe.append_rows("c", opened.continuation, ROW, 0, 0)
    assert fake.rows == []


@pytest.mark.parametrize("status", [429, 500, 503, 408])
def test_a_passing_refusal_is_tried_again(fake: FakeSnowpipe, settings: SinkSettings, status: int) -> None:
    reasons: list[str] = []
    snowpipe = Snowpipe(settings, on_retry=reasons.append)
    opened = snowpipe.open_channel("c")
    fake.failures = [(status, "BUSY", False), (status, "BUSY", False)]
    snowpipe.append_rows("c", opened.continuation, ROW, 0, 0)
    assert len(fake.rows) == 1
    assert len(reasons) == 2 and str(status) in reasons[0]


def test_an_append_whose_answer_was_lost_is_not_appended_twice(fake: FakeSnowpipe, settings: SinkSettings) -> None:
    snowpipe = Snowpipe(settings)
    opened = snowpipe.open_channel("c")
    fake.failures = [(504, "GATEWAY_TIMEOUT", True)]
    with pytest.raises(ChannelStale):
        snowpipe.append_rows("c", opened.continuation, ROW, 7, 7)
    assert len(fake.rows) == 1
    assert snowpipe.open_channel("c").status.committed == 7


def test_an_expired_token_is_renewed_once(fake: FakeSnowpipe, settings: SinkSettings) -> None:
    snowpipe = Snowpipe(settings)
    opened = snowpipe.open_channel("c")
    fake.expire_tokens = True
    snowpipe.append_rows("c", opened.continuation, ROW, 0, 0)
    assert fake.tokens == 2
    assert len(fake.rows) == 1


def test_a_refusal_that_stays_names_the_cause_and_is_not_repeated(fake: FakeSnowpipe, settings: SinkSettings) -> None:
    snowpipe = Snowpipe(settings)
    fake.failures = [(404, "ERR_PIPE_DOES_NOT_EXIST", False)]
    with pytest.raises(SinkError, match="ERR_PIPE_DOES_NOT_EXIST") as caught:
        snowpipe.open_channel("c")
    assert "STREAMING.PUBLIC.ORDER_EVENTS" in str(caught.value.do)
    assert sum(request.startswith("PUT") for request in fake.requests) == 1


def test_a_key_the_warehouse_does_not_know_is_refused_in_words(fake: FakeSnowpipe) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(SinkError, match="did not accept the login of SVC_KAFKA_CONNECTOR"):
        Snowpipe(settings_with(fake.port, other)).open_channel("c")


def test_a_rotated_key_is_taken_up_from_the_secret_when_the_old_one_is_refused(
    fake: FakeSnowpipe, settings: SinkSettings, tmp_path: Path
) -> None:
    secret = tmp_path / "key.p8"
    client = replace(settings.snowflake, private_key=SecretRefValue("file", str(secret)))
    snowpipe = Snowpipe(replace(settings, snowflake=client))
    opened = snowpipe.open_channel("c")
    new = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    secret.write_bytes(new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    secret.chmod(0o600)
    fake.public_key, fake.expire_tokens = new.public_key(), True
    snowpipe.append_rows("c", opened.continuation, ROW, 0, 0)
    assert len(fake.rows) == 1 and fake.tokens == 2


def test_an_unusable_key_is_not_quoted_in_the_error(settings: SinkSettings) -> None:
    with pytest.raises(SecretError) as caught:
        Snowpipe(replace(settings, private_key="-----BEGIN nonsense SECRET-----"))
    assert "SECRET" not in str(caught.value)


def test_a_warehouse_that_stays_away_is_given_up_after_the_patience(private_key: rsa.RSAPrivateKey) -> None:
    snowpipe = Snowpipe(settings_with(1, private_key, patience=0.3))
    with pytest.raises(SinkError, match="has not answered") as caught:
        snowpipe.open_channel("c")
    assert "nothing is lost" in str(caught.value.do)


def test_a_stop_ends_the_wait_for_the_warehouse(private_key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(Stopping):
        Snowpipe(settings_with(1, private_key, patience=60.0), stopping=lambda: True).open_channel("c")


def test_compressed_rows_arrive_whole(fake: FakeSnowpipe, settings: SinkSettings) -> None:
    snowpipe = Snowpipe(replace(settings, compress=True))
    opened = snowpipe.open_channel("c")
    snowpipe.append_rows("c", opened.continuation, ROW * 100, 0, 99)
    assert len(fake.rows) == 100


def test_neither_key_nor_password_shows_in_the_settings(settings: SinkSettings) -> None:
    assert "PRIVATE KEY" not in repr(settings)
    assert "bootstrap" not in repr(settings)
