"""`infra state bootstrap`: what the bucket is afterwards, twice the same, and whose bucket it must not be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.state_backend.cloud import REGION
from tests.state_backend.project import Place, state


@pytest.fixture(autouse=True)
def as_on_aws(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `endpoint` in the YAML: the server's address comes as AWS's tools take it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", place.cloud.endpoint)
    place.yaml(endpoint=None)


def settings_of(place: Place) -> dict[str, Any]:
    client, name = place.cloud.client(), {"Bucket": place.bucket}
    return {
        "versioning": client.get_bucket_versioning(**name)["Status"],
        "public": client.get_public_access_block(**name)["PublicAccessBlockConfiguration"],
        "owner": client.get_bucket_ownership_controls(**name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
        "encryption": client.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"][0],
        "policy": json.loads(client.get_bucket_policy(**name)["Policy"]),
        "rules": client.get_bucket_lifecycle_configuration(**name)["Rules"],
    }


def test_the_bucket_is_made_versioned_encrypted_private_and_over_tls_only(place: Place) -> None:
    place.bucket = "made-by-bootstrap"
    place.yaml(endpoint=None)
    assert place.infra("plan", "--env", "shared") == 1
    assert "there is no bucket made-by-bootstrap" in place.err
    assert "`infra state bootstrap --env shared` makes it" in place.err
    assert place.infra("state", "bootstrap", "--env", "shared") == 0, place.err
    assert place.err.splitlines() == [
        "made            bucket made-by-bootstrap in eu-central-1",
        "as it should be only its owner's objects, no access lists",
        "changed         public access blocked",
        "changed         versions are kept",
        "changed         encrypted with S3's own key",
        "changed         TLS only",
        "changed         earlier states go after 90 days, the newest 20 stay",
        "bucket made-by-bootstrap of account 123456789012 is ready: "
        "`infra state migrate --env shared --to s3` moves in",
    ]
    found = settings_of(place)
    assert found["versioning"] == "Enabled" and found["owner"] == "BucketOwnerEnforced"
    assert set(found["public"].values()) == {True} and len(found["public"]) == 4
    assert found["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [statement] = found["policy"]["Statement"]
    assert statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    [rule] = found["rules"]
    # moto forgets NewerNoncurrentVersions.
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
    assert place.infra("state", "bootstrap", "--env", "shared", "--json") == 0
    again = json.loads(place.out)
    assert (again["bucket"], again["region"], again["account"]) == ("made-by-bootstrap", REGION, "123456789012")
    assert {step["outcome"] for step in again["steps"]} == {"as it should be"}
    assert settings_of(place) == found


def test_a_bucket_made_otherwise_keeps_its_own_rules_and_statements(place: Place) -> None:
    client = place.cloud.client()
    own = {"Sid": "Audit", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
           "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{place.bucket}/*"}  # fmt: skip
    client.put_bucket_policy(Bucket=place.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]}))
    rule = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    client.put_bucket_lifecycle_configuration(Bucket=place.bucket, LifecycleConfiguration={"Rules": [rule]})
    key = place.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    place.yaml(kms_key=key, endpoint=None)
    assert place.infra("state", "bootstrap", "--env", "shared") == 0, place.err
    found = settings_of(place)
    assert [each["Sid"] for each in found["policy"]["Statement"]] == ["Audit", "InfraTlsOnly"]
    assert [each["ID"] for each in found["rules"]] == ["logs", "infra-earlier-states"]
    assert found["encryption"]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key,
    }  # fmt: skip
    assert found["encryption"]["BucketKeyEnabled"] is True


def test_a_bucket_of_another_account_or_region_is_refused_and_left_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = place.cloud.client("sts").assume_role(
        RoleArn="arn:aws:iam::222222222222:role/other", RoleSessionName="other"
    )["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", role["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", role["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", role["SessionToken"])
    assert place.infra("state", "bootstrap", "--env", "shared") == 1
    assert f"bucket {place.bucket} belongs to another account than 222222222222" in place.err
    assert "nothing was changed" in place.err
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "AKIATESTOFSTATES0000")
    monkeypatch.delenv("AWS_SESSION_TOKEN")
    client = place.cloud.client()
    with pytest.raises(client.exceptions.ClientError, match="NoSuchPublicAccessBlock"):
        client.get_public_access_block(Bucket=place.bucket)
    place.yaml(region="eu-west-1", endpoint=None)
    assert place.infra("state", "bootstrap", "--env", "shared") == 1
    assert "in another region" in place.err or f"bucket {place.bucket} is in eu-central-1" in place.err


def test_an_environment_with_its_states_in_files_has_no_bucket_to_make(place: Place) -> None:
    place.yaml("local")
    assert place.infra("state", "bootstrap", "--env", "shared") == 1
    assert "its YAML keeps states in files, so there is no bucket to make" in place.err


def test_from_nothing_to_states_in_the_bucket(place: Place) -> None:
    place.bucket = "from-nothing"
    place.yaml()
    place.local("cluster", state(7, servers="here"))
    assert place.infra("state", "bootstrap", "--env", "shared") == 0, place.err
    assert f"as it should be TLS only: left out, for {place.cloud.endpoint} has none" in place.err.splitlines()
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 0, place.err
    assert place.infra("output", "--env", "shared") == 0, place.err
    assert place.out == "cluster.servers = here\n"
    assert place.infra("state", "backups", "--env", "shared", "--json") == 0
    assert [each["serial"] for each in json.loads(place.out)["backups"]] == [7, 7]
