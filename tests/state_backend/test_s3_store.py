"""The store itself: conditional writes, versions, locks, and what AWS says when it says no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modules.environment.state import S3State
from modules.errors import StateError, StateLockedError
from modules.terraform.locks import LockInfo, age_text
from modules.terraform.s3 import S3Backend
from tests.state_backend.cloud import REGION, Cloud


def store_in(cloud: Cloud, bucket: str, **settings: str) -> S3Backend:
    return S3Backend(S3State(bucket=bucket, region=REGION, endpoint=cloud.endpoint, **settings), "streaming", "dev")


def test_the_server_of_these_tests_refuses_conditional_writes_as_s3_does(cloud: Cloud) -> None:
    client, bucket = cloud.client(), cloud.bucket()
    client.put_object(Bucket=bucket, Key="lock", Body=b"1", IfNoneMatch="*")
    with pytest.raises(client.exceptions.ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=bucket, Key="lock", Body=b"2", IfNoneMatch="*")
    with pytest.raises(client.exceptions.ClientError, match="PreconditionFailed"):
        client.delete_object(Bucket=bucket, Key="lock", IfMatch='"another"')


def test_a_state_is_written_only_in_the_place_of_the_one_that_was_read(cloud: Cloud) -> None:
    bucket = cloud.bucket()
    store = store_in(cloud, bucket, prefix="/teams/data/")
    assert store.fetch("topics") is None
    first = store.write("topics", b'{"serial": 1}', None)
    assert cloud.keys(bucket) == ["teams/data/streaming/dev/topics.tfstate"]
    second = store.write("topics", b'{"serial": 2}', first)
    with pytest.raises(StateError, match="somebody wrote this state meanwhile, so nothing was written"):
        store.write("topics", b'{"serial": 3}', first)
    with pytest.raises(StateError, match="somebody wrote this state meanwhile"):
        store.write("topics", b'{"serial": 3}', None)
    with pytest.raises(StateError, match="somebody wrote this state meanwhile"):
        store.remove("topics", first)
    assert store.read("topics") == b'{"serial": 2}'
    store.remove("topics", second)
    assert store.read("topics") is None
    versions = store.versions("topics")
    assert [each.deleted for each in versions] == [True, False, False]
    assert store.version("topics", versions[2].id) == b'{"serial": 1}'
    assert store.version("topics", "no-such-version") is None


def test_objects_are_encrypted_with_the_key_that_is_named(cloud: Cloud) -> None:
    bucket = cloud.bucket()
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    store_in(cloud, bucket).write("a", b"{}", None)
    store_in(cloud, bucket, kms_key=key).write("b", b"{}", None)
    heads = [cloud.client().head_object(Bucket=bucket, Key=f"streaming/dev/{name}.tfstate") for name in "ab"]
    assert [each["ServerSideEncryption"] for each in heads] == ["AES256", "aws:kms"]
    assert heads[1]["SSEKMSKeyId"] == key


def test_only_stacks_of_this_environment_are_listed(cloud: Cloud) -> None:
    bucket = cloud.bucket()
    for key in ("streaming/dev/topics.tfstate", "streaming/dev/topics.tfstate.tflock", "streaming/dev/x/y.tfstate",
                "streaming/dev2/cluster.tfstate", "streaming/dev/deployed.json"):  # fmt: skip
        cloud.client().put_object(Bucket=bucket, Key=key, Body=b"{}")
    assert store_in(cloud, bucket).stacks() == ("topics",)


def test_a_lock_says_who_holds_it_and_is_removed_only_if_it_is_still_that_one(cloud: Cloud) -> None:
    store = store_in(cloud, cloud.bucket())
    with store.lock("topics", "migrate"):
        seen = store.holder("topics")
        assert seen is not None and seen.operation == "migrate" and "@" in seen.who
        assert seen.age() is not None and seen.age() < timedelta(minutes=5)
        with pytest.raises(StateLockedError) as caught, store.lock("topics", "restore"):
            pass
        assert f"the state is locked by {seen.who} (migrate) since {seen.since}" in caught.value.what
        assert caught.value.details == (f"lock id {seen.id}",)
        assert "`infra unlock --env dev` removes its lock" in str(caught.value.do)
    assert store.holder("topics") is None
    with store.lock("topics", "migrate"):
        assert not store.unlock("topics", seen)
        assert store.holder("topics") is not None


def test_a_lock_that_another_took_over_is_not_removed_at_the_end(cloud: Cloud) -> None:
    store = store_in(cloud, cloud.bucket())
    with store.lock("topics", "migrate"):
        mine = store.holder("topics")
        assert mine is not None and store.unlock("topics", mine)
        other = LockInfo("another", "eva@elsewhere", "2026-11-22T01:00:00Z", "OperationTypeApply")
        key = store.key("topics") + ".tflock"
        cloud.client().put_object(Bucket=store.settings.bucket, Key=key, Body=other.dump("x"))
    left = store.holder("topics")
    assert left is not None and left.who == "eva@elsewhere" and left.operation == "apply"


def test_terraforms_times_are_understood() -> None:
    lock = LockInfo.parse(b'{"ID":"1","Who":"a@b","Created":"2026-11-22T01:41:58.979272472Z","Operation":"x"}')
    assert lock.since == "2026-11-22 01:41:58 UTC" and lock.host == "b"
    assert LockInfo("", "", "2026-11-22 01:41:58.979272472 +0000 UTC", "").since == "2026-11-22 01:41:58 UTC"
    assert LockInfo("", "", "yesterday", "").since == "yesterday"
    assert LockInfo("", "", "yesterday", "").age() is None
    assert LockInfo.parse(b"torn").id == ""
    now = datetime.now(UTC)
    assert LockInfo("", "", now.isoformat(), "").age() is not None
    texts = [age_text(timedelta(seconds=each)) for each in (5, 200, 7500, 300_000)]
    assert texts == ["5 s", "3 min", "2 h 5 min", "3 days"] and age_text(None) == "age unknown"


@pytest.mark.parametrize(
    ("code", "status", "what", "do"),
    [
        ("ExpiredToken", 400, "the AWS credentials have expired", "log in again (`aws sso login`"),
        ("InvalidAccessKeyId", 403, "AWS does not know these credentials", "check AWS_PROFILE"),
        ("AccessDenied", 403, "AWS refuses access to the states", "s3:GetObject, s3:PutObject, s3:DeleteObject"),
        ("PermanentRedirect", 301, "bucket acme-states is in another region", "correct `state.s3.region`"),
        ("KMS.DisabledException", 400, "the KMS key of the states cannot be used", "check `state.s3.kms_key`"),
        ("NoSuchBucket", 404, "there is no bucket acme-states", "`infra state bootstrap --env dev` makes it"),
        ("SlowDown", 503, "S3 answered SlowDown", "nothing is lost"),
    ],
)
def test_what_aws_refuses_is_said_with_what_to_do(code: str, status: int, what: str, do: str) -> None:
    from botocore.exceptions import ClientError

    from modules.terraform.s3_errors import translated

    answer = {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(StateError) as caught, translated("s3://acme-states/x", "acme-states", "dev"):
        raise ClientError(answer, "GetObject")  # type: ignore[arg-type]
    assert caught.value.what == what and do in str(caught.value.do) and caught.value.where == "s3://acme-states/x"
    assert caught.value.details == (f"AWS: {code}: words",)


def test_a_bucket_that_is_not_there_is_made_by_bootstrap(cloud: Cloud) -> None:
    with pytest.raises(StateError) as caught:
        store_in(cloud, "nobody-made-this").read("topics")
    assert caught.value.what == "there is no bucket nobody-made-this"


def test_without_credentials_the_ways_to_log_in_are_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StateError, match="there are no AWS credentials to read the states with") as caught:
        store_in(cloud, "states").read("topics")
    assert "AWS_PROFILE" in str(caught.value.do)
    with pytest.raises(StateError, match="there are no AWS credentials") as caught:
        store_in(cloud, "states", profile="nobody").read("topics")
    assert "nobody" in caught.value.details[0]


def test_an_endpoint_that_does_not_answer_is_said(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = S3Backend(S3State(bucket="states", region=REGION, endpoint="http://127.0.0.1:9"), "streaming", "dev")
    with pytest.raises(StateError, match="S3 cannot be reached"):
        store.read("topics")


def test_a_role_is_taken_on_for_the_states_alone(cloud: Cloud, tmp_path: Path) -> None:
    bucket = cloud.bucket()
    store_in(cloud, bucket).write("topics", b"{}", None)
    role = "arn:aws:iam::123456789012:role/states"
    store = store_in(cloud, bucket, role_arn=role)
    assert store.read("topics") == b"{}"
    assert store.block("topics")["s3"]["assume_role"]["role_arn"] == role
    own = store._client()._request_signer._credentials.get_frozen_credentials()
    assert own.access_key != "AKIATESTOFSTATES0000" and own.token
