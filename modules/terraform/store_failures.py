"""What Terraform says when a store of states (S3) fails it half-way, as errors that say what became of the state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from modules.errors import TerraformError
from modules.terraform.events import Diagnostic
from modules.terraform.snapshots import state_place

__all__ = ["store_failure"]

_NOT_WRITTEN = re.compile(
    r"failed to save state|failed to persist state|error saving state|failed to upload state", re.I
)
_NOT_RELEASED = "Error releasing the state lock"
_LOST = re.compile(r"NoSuchKey|does not match existing lock|no lock was found|does not match", re.I)
_NOT_LOCKED = re.compile(r"Error acquiring the state lock|Error locking state", re.I)
_HELD = re.compile(r"PreconditionFailed|ConditionalRequestConflict", re.I)
_EXPIRED = re.compile(r"ExpiredToken|RequestExpired|token (?:included in the request )?is expired|TokenRefresh", re.I)
_NO_LOGIN = re.compile(r"No valid credential sources|InvalidAccessKeyId|SignatureDoesNotMatch|no EC2 IMDS role", re.I)
_DENIED = re.compile(r"AccessDenied|StatusCode: 403", re.I)
_NO_BUCKET = re.compile(r"NoSuchBucket|bucket does not exist", re.I)
_OF_STORE = re.compile(r"operation error S3|S3 bucket|Failed to get existing workspaces|backend", re.I)


def store_failure(
    errors: Sequence[Diagnostic], folder: Path, kind: type[TerraformError], where: str
) -> TerraformError | None:
    """The error for a command that the store of its state failed; None where something else did."""
    environment = folder.parent.name
    place = state_place(folder / "terraform.tfstate")
    texts = [f"{item.summary}: {' '.join(item.detail.split())}"[:400] for item in errors]
    whole = "\n".join(texts)
    why = _why(whole)
    if (folder / "errored.tfstate").is_file() and _NOT_WRITTEN.search(whole):
        return kind(
            f"what was done could not be written to the state in {place}{why}",
            where=where,
            do=f"keep {folder / 'errored.tfstate'}, which holds it, and {_mend(whole)}: the next run here writes it",
            details=texts,
        )
    if any(item.summary == _NOT_RELEASED for item in errors):
        return _unreleased(errors, texts, kind, where, environment, place)
    lock = next((item for item in errors if _NOT_LOCKED.search(item.summary)), None)
    if lock is not None and not _HELD.search(lock.detail):
        return kind(
            f"the state in {place} cannot be locked{why}", where=where, details=texts,
            do=f"{_mend(whole)} and run the same command again; nothing was changed",
        )  # fmt: skip
    if lock is None and _NO_BUCKET.search(whole):
        return kind(
            f"the bucket of {place} does not exist", where=where, details=texts,
            do=f"`infra state bootstrap --env {environment}` makes it; or correct `state.s3.bucket`",
        )  # fmt: skip
    if lock is None and why and _OF_STORE.search(whole):
        return kind(
            f"the state in {place} cannot be reached{why}", where=where, details=texts,
            do=f"{_mend(whole)} and run the same command again",
        )  # fmt: skip
    return None


def _unreleased(
    errors: Sequence[Diagnostic],
    texts: list[str],
    kind: type[TerraformError],
    where: str,
    environment: str,
    place: str,
) -> TerraformError:
    """The lock was there when Terraform began, and is not, or cannot be taken away, now that it ends."""
    released = next(item for item in errors if item.summary == _NOT_RELEASED)
    others = [text for text, item in zip(texts, errors, strict=True) if item is not released]
    if _LOST.search(released.detail):
        return kind(
            "the state's lock was removed by somebody while this run held it: another run may have changed the state",
            where=where,
            do=f"find out who ran `infra unlock`, then `infra plan --env {environment}`: it says whether the state in "
            f"{place} and what is there agree",
            details=others,
        )
    return kind(
        f"the lock of the state in {place} could not be removed{_why(released.detail)}",
        where=where,
        do=f"{_mend(released.detail)}, then `infra unlock --env {environment}`; what was done is in the state",
        details=texts,
    )


def _why(words: str) -> str:
    """`, because …`, of reasons that are known."""
    if _EXPIRED.search(words):
        return ": the AWS credentials have expired"
    if _NO_LOGIN.search(words):
        return ": AWS does not know the credentials, or there are none"
    return ": AWS refuses access" if _DENIED.search(words) else ""


def _mend(words: str) -> str:
    if _EXPIRED.search(words) or _NO_LOGIN.search(words):
        return "log in again (`aws sso login`, or new AWS_* variables)"
    if _DENIED.search(words):
        return "check the rights on the bucket and its KMS key"
    return "check the network"
