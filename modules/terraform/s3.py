"""States in a bucket of Amazon S3, with Terraform's own lock file beside each (`use_lockfile`).

Terraform itself reads and writes them while it runs; here they are read for everything else, and written only by a
migration, a restore and the recovery of a state that Terraform could not write. Every write names the object that it
replaces (If-Match), so that it never overwrites what somebody wrote in between. Credentials come as AWS's tools take
them: environment, profile, SSO, web identity; they are in no file of this project.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modules.environment.state import S3State
from modules.errors import StateError, StateLockedError
from modules.terraform.locks import LockInfo
from modules.terraform.s3_errors import translated

__all__ = ["S3Backend", "Stored", "Version"]

_SUFFIX = ".tfstate"
_LOCK = ".tflock"
_GONE = ("NoSuchKey", "404", "NoSuchVersion")


@dataclass(frozen=True)
class Stored:
    """A state as it is in the bucket."""

    content: bytes = field(repr=False)
    etag: str
    version: str | None
    """None: the bucket keeps no versions."""
    modified: datetime


@dataclass(frozen=True)
class Version:
    """An earlier state, or the current one."""

    id: str
    modified: datetime
    size: int
    latest: bool
    deleted: bool = False
    """A mark that the state was taken away then."""


class S3Backend:
    """One environment's states in a bucket.

    Args:
        project: what the environment's names begin with; a part of the key.
    """

    kind = "s3"

    def __init__(self, settings: S3State, project: str, environment: str) -> None:
        self.settings = settings
        self.environment = environment
        self.folder = "/".join(part for part in (settings.prefix, project, environment) if part)
        self._held: dict[str, bytes | None] = {}
        self._versioned: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._made: Any = None

    # --- names ---

    def key(self, stack: str) -> str:
        return f"{self.folder}/{stack}{_SUFFIX}"

    def place(self, stack: str = "") -> str:
        """`s3://bucket/prefix/project/environment[/stack.tfstate]`."""
        return f"s3://{self.settings.bucket}/{self.key(stack) if stack else self.folder}"

    def block(self, stack: str) -> dict[str, Any]:
        """Terraform's backend, without credentials."""
        its = self.settings
        body: dict[str, Any] = {
            "bucket": its.bucket, "key": self.key(stack), "region": its.region, "encrypt": True, "use_lockfile": True,
        }  # fmt: skip
        optional = {"kms_key_id": its.kms_key, "profile": its.profile}
        body |= {name: value for name, value in optional.items() if value}
        if its.role_arn:
            body["assume_role"] = {"role_arn": its.role_arn, "session_name": "infra"}
        if its.endpoint:
            skipped = ("credentials_validation", "requesting_account_id", "metadata_api_check", "region_validation")
            body |= {"endpoints": {"s3": its.endpoint}, "use_path_style": True}
            body |= {f"skip_{name}": True for name in skipped}
        return {"s3": body}

    # --- reading ---

    def read(self, stack: str) -> bytes | None:
        """The state as it was at the last `refresh`; asked for now where it was not yet."""
        with self._lock:
            if stack in self._held:
                return self._held[stack]
        found = self.fetch(stack)
        self._hold(stack, found)
        return found.content if found else None

    def refresh(self, stacks: Sequence[str]) -> None:
        """Read these anew, side by side."""
        self.forget(stacks)
        with ThreadPoolExecutor(max_workers=max(1, min(8, len(stacks)))) as pool:
            for stack, found in zip(stacks, pool.map(self.fetch, stacks), strict=True):
                self._hold(stack, found)

    def forget(self, stacks: Sequence[str]) -> None:
        """Whoever asks for these next gets what is in the bucket then."""
        with self._lock:
            for stack in stacks:
                self._held.pop(stack, None)

    def versioned(self, stack: str) -> bool:
        """Whether the bucket kept a version of what was last read; without a state there is nothing to keep."""
        with self._lock:
            return self._versioned.get(stack, True)

    def fetch(self, stack: str) -> Stored | None:
        """The state as it is in the bucket now.

        Raises:
            StateError: it cannot be read.
        """
        found = self._get(self.key(stack))
        if found is None:
            return None
        version = found.get("VersionId")
        return Stored(
            found["content"], found["ETag"], None if version in (None, "null") else version, found["LastModified"]
        )

    def stacks(self) -> tuple[str, ...]:
        """Those that have a state in the bucket."""
        return self._named(_SUFFIX)

    def _named(self, suffix: str) -> tuple[str, ...]:
        found = []
        with self._asking():
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.settings.bucket, Prefix=f"{self.folder}/"):
                found += [str(each["Key"]) for each in page.get("Contents", ())]
        names = [key.removeprefix(f"{self.folder}/") for key in found if key.endswith(suffix)]
        return tuple(sorted(name.removesuffix(suffix) for name in names if "/" not in name))

    # --- writing ---

    def write(self, stack: str, content: bytes, replaces: Stored | None) -> Stored:
        """Put a state in the place of just this one (None: of none).

        Raises:
            StateError: it cannot be written, or somebody wrote another one meanwhile.
        """
        condition = {"IfMatch": replaces.etag} if replaces else {"IfNoneMatch": "*"}
        with self._asking(stack), self._unless_changed(stack):
            self._client().put_object(
                Bucket=self.settings.bucket, Key=self.key(stack), Body=content, ContentType="application/json",
                ChecksumAlgorithm="SHA256", **self._encryption(), **condition,
            )  # fmt: skip
        self.forget([stack])
        written = self.fetch(stack)
        if written is None or written.content != content:
            raise StateError(
                "what was written is not what is there now", where=self.place(stack),
                do="somebody else writes this state without its lock: find out who, then run the command again",
            )  # fmt: skip
        return written

    def remove(self, stack: str, gone: Stored) -> None:
        """Take just this state away; a bucket with versions keeps it as one."""
        with self._asking(stack), self._unless_changed(stack):
            self._client().delete_object(Bucket=self.settings.bucket, Key=self.key(stack), IfMatch=gone.etag)
        self.forget([stack])

    def versions(self, stack: str) -> tuple[Version, ...]:
        """Every state of the stack the bucket still has, the newest first."""
        key, found = self.key(stack), []
        with self._asking(stack):
            pages = self._client().get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.settings.bucket, Prefix=key):
                found += [
                    Version(each["VersionId"], each["LastModified"], int(each.get("Size", 0)), each["IsLatest"], gone)
                    for name, gone in (("Versions", False), ("DeleteMarkers", True))
                    for each in page.get(name, ())
                    if each["Key"] == key
                ]
        return tuple(sorted(found, key=lambda each: (each.modified, each.latest), reverse=True))

    def version(self, stack: str, identifier: str) -> bytes | None:
        """One of them; None where there is none of this name."""
        found = self._get(self.key(stack), VersionId=identifier)
        return found["content"] if found else None

    def before(self, stack: str, since: float) -> str | None:
        """The version that was current at a time (seconds since 1970), where another one is now."""
        versions = self.versions(stack)
        if not versions or versions[0].modified.timestamp() < int(since):  # S3 tells whole seconds
            return None
        return next((each.id for each in versions if not each.deleted and each.modified.timestamp() < int(since)), None)

    def kept(self, name: str) -> bytes | None:
        """What was kept beside the states under this name."""
        found = self._get(f"{self.folder}/{name}")
        return found["content"] if found else None

    def keep(self, name: str, content: bytes) -> None:
        """Keep something beside the states that is no state."""
        with self._asking():
            self._client().put_object(
                Bucket=self.settings.bucket, Key=f"{self.folder}/{name}", Body=content, **self._encryption()
            )

    # --- locks ---

    def holder(self, stack: str) -> LockInfo | None:
        """Who holds the state's lock; None where nobody does."""
        found = self._get(self.key(stack) + _LOCK)
        return LockInfo.parse(found["content"], found["ETag"]) if found else None

    def locks(self) -> dict[str, LockInfo]:
        """Stack → its lock, of those that are locked, also where there is no state yet."""
        held = {stack: self.holder(stack) for stack in self._named(_SUFFIX + _LOCK)}
        return {stack: lock for stack, lock in held.items() if lock is not None}

    def locked(self, stacks: Sequence[str]) -> tuple[str, ...]:
        """Those of the stacks whose state somebody holds."""
        with ThreadPoolExecutor(max_workers=max(1, min(8, len(stacks)))) as pool:
            holders = list(pool.map(self.holder, stacks))
        return tuple(stack for stack, held in zip(stacks, holders, strict=True) if held)

    @contextlib.contextmanager
    def lock(self, stack: str, operation: str) -> Iterator[None]:
        """Hold a state as Terraform does.

        Raises:
            StateLockedError: somebody holds it.
        """
        from botocore.exceptions import ClientError

        mine, key = LockInfo.mine(operation), self.key(stack) + _LOCK
        with self._asking(stack):
            try:
                answer = self._client().put_object(
                    Bucket=self.settings.bucket, Key=key, Body=mine.dump(f"{self.settings.bucket}/{self.key(stack)}"),
                    ContentType="application/json", IfNoneMatch="*", **self._encryption(),
                )  # fmt: skip
            except ClientError as error:
                if not _is(error, "PreconditionFailed", "ConditionalRequestConflict"):
                    raise
                raise self._held_by(stack) from None
        try:
            yield
        finally:
            # Another's lock stays: ours was removed by somebody then.
            with contextlib.suppress(StateError):
                self.unlock(stack, LockInfo(mine.id, mine.who, mine.created, operation, answer["ETag"]))

    def unlock(self, stack: str, lock: LockInfo) -> bool:
        """Remove just this lock; False where it is gone or another's by now."""
        from botocore.exceptions import ClientError

        with self._asking(stack):
            try:
                self._client().delete_object(
                    Bucket=self.settings.bucket, Key=self.key(stack) + _LOCK, IfMatch=lock.etag
                )
            except ClientError as error:
                if _is(error, "PreconditionFailed", "NoSuchKey", "404"):
                    return False
                raise
        return True

    def _held_by(self, stack: str) -> StateLockedError:
        found = self.holder(stack) or LockInfo("", "", "", "")
        return found.error(f"stack {stack}", self.unlock_advice)

    @property
    def unlock_advice(self) -> str:
        """What to do about a lock."""
        return (
            "wait until that run has finished, then run the command again; if it is dead, "
            f"`infra unlock --env {self.environment}` removes its lock"
        )

    # --- shared ---

    def _hold(self, stack: str, found: Stored | None) -> None:
        with self._lock:
            self._held[stack] = found.content if found else None
            self._versioned[stack] = found is None or found.version is not None

    def _get(self, key: str, **which: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        with translated(f"s3://{self.settings.bucket}/{key}", self.settings.bucket, self.environment):
            try:
                found: dict[str, Any] = dict(self._client().get_object(Bucket=self.settings.bucket, Key=key, **which))
                return {**found, "content": found["Body"].read()}
            except ClientError as error:
                if _is(error, *_GONE) or (which and _is(error, "MethodNotAllowed", "InvalidArgument", "400", "405")):
                    return None
                raise

    def _encryption(self) -> dict[str, str]:
        if self.settings.kms_key:
            return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key}
        return {"ServerSideEncryption": "AES256"}

    @contextlib.contextmanager
    def _unless_changed(self, stack: str) -> Iterator[None]:
        from botocore.exceptions import ClientError

        try:
            yield
        except ClientError as error:
            if not _is(error, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "404"):
                raise
            raise StateError(
                "somebody wrote this state meanwhile, so nothing was written", where=self.place(stack),
                do="run the command again",
            ) from None  # fmt: skip

    def _asking(self, stack: str = "") -> contextlib.AbstractContextManager[None]:
        return translated(self.place(stack), self.settings.bucket, self.environment)

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = client_of(self.settings)
            return self._made


def client_of(settings: S3State, service: str = "s3") -> Any:
    """A client of boto3 with the section's profile, role and region."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(profile_name=settings.profile, region_name=settings.region)
    if settings.role_arn:
        session = _in_role(session, settings, settings.role_arn)
    path_style: Any = {"s3": {"addressing_style": "path"}} if settings.endpoint else {}
    config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4}, **path_style)
    endpoint = settings.endpoint if service == "s3" else None
    clients: Any = session
    return clients.client(service, endpoint_url=endpoint, config=config)


def _in_role(session: Any, settings: S3State, role: str) -> Any:
    """The same session in the role, whose credentials are renewed when they expire."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    own = session.get_credentials()
    if own is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        session._session.create_client, own, role, extra_args={"RoleSessionName": "infra"}
    )
    inner = botocore.session.Session()
    inner._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )
    return boto3.Session(botocore_session=inner, region_name=settings.region)


def _is(error: Any, *codes: str) -> bool:
    return str(error.response.get("Error", {}).get("Code", "")) in codes
