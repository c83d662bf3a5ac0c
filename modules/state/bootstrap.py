"""Makes the bucket that states are kept in, and sees to what it must be: versioned, encrypted, private, over TLS only.

Every step looks first and changes only what is not so, so that it can be run again at any time, also on a bucket that
was made otherwise; statements and rules of others stay. A bucket of another account is never touched.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from modules.environment.state import S3State
from modules.errors import StateError
from modules.terraform.s3 import client_of
from modules.terraform.s3_errors import translated

__all__ = ["Bootstrap", "Step", "bootstrap"]

VERSIONS_DAYS = 90
VERSIONS_KEPT = 20
"""An earlier state goes when it is older than the one and not among the newest of the other."""

_TLS = "InfraTlsOnly"
_RULE = "infra-earlier-states"
_PRIVATE = {
    "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
}  # fmt: skip
_NONE_YET = {
    "NoSuchPublicAccessBlockConfiguration", "OwnershipControlsNotFoundError", "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration", "ServerSideEncryptionConfigurationNotFoundError",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing that was seen to; `outcome` is `made`, `changed` or `as it should be`."""

    what: str
    outcome: str


@dataclass(frozen=True)
class Bootstrap:
    """What came of it."""

    bucket: str
    region: str
    account: str
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def bootstrap(settings: S3State, environment: str, said: Callable[[Step], None]) -> Bootstrap:
    """Make the bucket, or make it what it must be.

    Args:
        said: told each step when it is done.

    Raises:
        StateError: it belongs to another account or is in another region; AWS refuses.
    """
    with translated(f"s3://{settings.bucket}", settings.bucket, environment):
        account = str(client_of(settings, "sts").get_caller_identity()["Account"])
        work = _Work(client_of(settings), settings, account)
        steps = []
        for step in work.steps():
            said(step)
            steps.append(step)
    return Bootstrap(settings.bucket, settings.region, account, tuple(steps))


class _Work:
    def __init__(self, client: Any, settings: S3State, account: str) -> None:
        self._client = client
        self._its = settings
        self._account = account
        self._bucket = settings.bucket

    def steps(self) -> Iterator[Step]:
        yield self._made()
        yield self._set("only its owner's objects, no access lists", "ownership_controls", "OwnershipControls",
                        {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})  # fmt: skip
        yield self._set("public access blocked", "public_access_block", "PublicAccessBlockConfiguration", _PRIVATE,
                        get="get_public_access_block", put="put_public_access_block")  # fmt: skip
        yield self._versioned()
        yield self._encrypted()
        yield self._over_tls()
        yield self._rules()

    def _made(self) -> Step:
        from botocore.exceptions import ClientError

        what = f"bucket {self._bucket} in {self._its.region}"
        try:
            self._client.head_bucket(Bucket=self._bucket, ExpectedBucketOwner=self._account)
            # Not every server of S3 looks at the expected owner when it is asked for the head.
            mine = {each["Name"] for each in self._client.list_buckets()["Buckets"]}
            if self._bucket not in mine:
                raise self._of_another()
            region = self._client.get_bucket_location(Bucket=self._bucket).get("LocationConstraint") or "us-east-1"
            if region != self._its.region:
                raise StateError(
                    f"bucket {self._bucket} is in {region}, not in {self._its.region}", where="state.s3.region",
                    do=f"write `region: {region}`",
                )  # fmt: skip
            return Step(what, "as it should be")
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in ("403", "AccessDenied"):
                raise self._of_another() from None
            if code not in ("404", "NoSuchBucket"):
                raise
        place: Any = {"CreateBucketConfiguration": {"LocationConstraint": self._its.region}}
        try:
            self._client.create_bucket(
                Bucket=self._bucket, ObjectOwnership="BucketOwnerEnforced",
                **({} if self._its.region == "us-east-1" else place),
            )  # fmt: skip
        except ClientError as error:
            if str(error.response.get("Error", {}).get("Code")) == "BucketAlreadyExists":
                raise self._of_another() from None
            raise
        return Step(what, "made")

    def _of_another(self) -> StateError:
        return StateError(
            f"bucket {self._bucket} belongs to another account than {self._account}, or may not be looked at",
            where="state.s3.bucket",
            do="choose another name (a bucket's name is taken for all of AWS), or log in to the account it belongs to; "
            "nothing was changed",
        )

    def _versioned(self) -> Step:
        what = "versions are kept"
        if self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled":
            return Step(what, "as it should be")
        self._client.put_bucket_versioning(Bucket=self._bucket, VersioningConfiguration={"Status": "Enabled"})
        return Step(what, "changed")

    def _encrypted(self) -> Step:
        key = self._its.kms_key
        rule: dict[str, Any] = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
        what = f"encrypted with {key}" if key else "encrypted with S3's own key"
        with _none_yet():
            found = self._client.get_bucket_encryption(Bucket=self._bucket)["ServerSideEncryptionConfiguration"][
                "Rules"
            ]
            if found and found[0].get("ApplyServerSideEncryptionByDefault") == rule:
                return Step(what, "as it should be")
        self._client.put_bucket_encryption(
            Bucket=self._bucket,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": rule, "BucketKeyEnabled": bool(key)}]
            },
        )
        return Step(what, "changed")

    def _over_tls(self) -> Step:
        what = "TLS only"
        if (self._its.endpoint or "").startswith("http:"):
            return Step(f"{what}: left out, for {self._its.endpoint} has none", "as it should be")
        arn = f"arn:{_partition(self._its.region)}:s3:::{self._bucket}"
        wanted = {
            "Sid": _TLS, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }  # fmt: skip
        others: list[Any] = []
        policy: dict[str, Any] = {"Version": "2012-10-17"}
        with _none_yet():
            policy = json.loads(self._client.get_bucket_policy(Bucket=self._bucket)["Policy"])
            if wanted in policy["Statement"]:
                return Step(what, "as it should be")
            others = [each for each in policy["Statement"] if each.get("Sid") != _TLS]
        self._client.put_bucket_policy(
            Bucket=self._bucket, Policy=json.dumps({**policy, "Statement": [*others, wanted]})
        )
        return Step(what, "changed")

    def _rules(self) -> Step:
        what = f"earlier states go after {VERSIONS_DAYS} days, the newest {VERSIONS_KEPT} stay"
        wanted = {
            "ID": _RULE, "Status": "Enabled", "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": VERSIONS_DAYS, "NewerNoncurrentVersions": VERSIONS_KEPT},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }  # fmt: skip
        others: list[Any] = []
        with _none_yet():
            found = self._client.get_bucket_lifecycle_configuration(Bucket=self._bucket)["Rules"]
            mine: dict[str, Any] = next((each for each in found if each.get("ID") == _RULE), {})
            if mine.get("Status") == "Enabled" and _within(mine.get("NoncurrentVersionExpiration"), wanted):
                return Step(what, "as it should be")
            others = [each for each in found if each.get("ID") != _RULE]
        self._client.put_bucket_lifecycle_configuration(
            Bucket=self._bucket, LifecycleConfiguration={"Rules": [*others, wanted]}
        )
        return Step(what, "changed")

    def _set(
        self, what: str, name: str, key: str, wanted: dict[str, Any], *, get: str | None = None, put: str | None = None
    ) -> Step:
        """A setting that is one document, put whole."""
        read = getattr(self._client, get or f"get_bucket_{name}")
        with _none_yet():
            if read(Bucket=self._bucket)[key] == wanted:
                return Step(what, "as it should be")
        getattr(self._client, put or f"put_bucket_{name}")(Bucket=self._bucket, **{key: wanted})
        return Step(what, "changed")


def _within(found: dict[str, int] | None, wanted: dict[str, Any]) -> bool:
    """Whether nothing in it differs; not every server of S3 gives all of it back."""
    expected = wanted["NoncurrentVersionExpiration"]
    return bool(found) and all(expected.get(key) == value for key, value in (found or {}).items())


@contextlib.contextmanager
def _none_yet() -> Iterator[None]:
    """A setting that was never made is answered with an error of its own."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) not in _NONE_YET:
            raise


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
