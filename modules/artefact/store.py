"""Where artefacts are: a folder with one, a folder of many, or a bucket (`s3://BUCKET/PREFIX`).

Many are told apart as `<environment>/<content hash>/`, so that whoever has the same content checked out finds the plan
that was approved for it. An artefact is there whole or not at all: a folder is renamed into its place, and in a bucket
the manifest is written last. `applied.json` beside it says that it was used.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from modules.artefact.keys import PlanKey
from modules.artefact.package import MANIFEST, PAYLOAD, Artefact, Manifest, pack, read_manifest, unpack
from modules.errors import ConfigError, PlanError
from modules.project import Project
from modules.terraform.files import write_private

__all__ = [
    "Kept",
    "applied_words",
    "find_artefact",
    "manifest_of",
    "mark",
    "newest_artefact",
    "read_artefact",
    "refuse_applied",
    "write_artefact",
]

APPLIED = "applied.json"
LEDGER = "applied-plans.json"
_LEDGER_KEPT = 50
_LOOKED_AT = 50
_HASH = re.compile(r"[0-9a-f]{64}")


class Kept(Protocol):
    """One artefact's place."""

    def read(self, name: str) -> bytes | None:
        """A file of it; None where there is none."""

    def add(self, name: str, content: bytes) -> None:
        """Another file beside it, or that file anew."""

    def write(self, files: Mapping[str, bytes]) -> None:
        """The artefact, whole, in place of one that is there."""

    def __str__(self) -> str:
        """The place as a person writes it."""


class FolderPlace:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PlanError(f"cannot read {name}: {error.strerror}", where=str(self), do="check its rights") from None

    def add(self, name: str, content: bytes) -> None:
        write_private(self.path / name, content)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Beside its place first, then renamed.

        Raises:
            ConfigError: something else is there.
            PlanError: it cannot be written.
        """
        if (
            self.path.exists()
            and not (self.path / MANIFEST).is_file()
            and (not self.path.is_dir() or any(self.path.iterdir()))
        ):
            raise ConfigError(
                "something else than a plan of infra is there, and it is left as it is",
                where=str(self.path),
                do="name a new folder, or end the name with `/` for a folder of plans",
            )
        token = secrets.token_hex(4)
        fresh, old = (self.path.with_name(f".{self.path.name}.{word}-{token}") for word in ("new", "old"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.mkdir(mode=0o700)
            for name, content in files.items():
                write_private(fresh / name, content)
            if self.path.exists():
                self.path.rename(old)
            fresh.rename(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                if old.exists() and not self.path.exists():
                    old.rename(self.path)
            raise PlanError(
                f"the plan cannot be written: {error.strerror}",
                where=str(self.path),
                do="free space or check its rights",
            ) from None
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            if self.path.exists():
                shutil.rmtree(old, ignore_errors=True)


class BucketPlace:
    """A prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket = bucket
        self.prefix = prefix.strip("/")

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def read(self, name: str) -> bytes | None:
        answer = self._asked("get_object", Key=self._key(name))
        return None if answer is None else bytes(answer["Body"].read())

    def add(self, name: str, content: bytes) -> None:
        self._asked("put_object", Key=self._key(name), Body=content)

    def write(self, files: Mapping[str, bytes]) -> None:
        """The manifest, which names what it belongs to, last; a reader that comes between refuses or sees none."""
        self._asked("delete_object", Key=self._key(APPLIED))
        for name, content in files.items():
            self.add(name, content)

    def names(self) -> list[str]:
        """Keys below the prefix, at most a thousand."""
        answer = self._asked("list_objects_v2", Prefix=f"{self.prefix}/" if self.prefix else "") or {}
        return [str(each["Key"]).removeprefix(f"{self.prefix}/") for each in answer.get("Contents", [])]

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}".lstrip("/")

    def _asked(self, operation: str, **arguments: Any) -> dict[str, Any] | None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})
            client = boto3.client("s3", config=patience)
            found: dict[str, Any] = getattr(client, operation)(Bucket=self.bucket, **arguments)
        except ClientError as error:
            detail = error.response.get("Error", {})
            if detail.get("Code") == "NoSuchKey":
                return None
            raise self._refused(f"{detail.get('Code', 'an error')}: {detail.get('Message', '')}") from None
        except (BotoCoreError, ValueError) as error:
            raise self._refused(str(error)) from None
        return found

    def _refused(self, reason: str) -> PlanError:
        return PlanError(
            f"the bucket cannot be used: {reason}",
            where=f"s3://{self.bucket}",
            do="check its name and region (AWS_REGION), and that you are logged in and may use it",
        )


def write_artefact(artefact: Artefact, key: PlanKey, place: str) -> str:
    """Keep an artefact; returns where it is.

    Args:
        place: a folder for this one; one for many where it ends with `/`; `s3://BUCKET[/PREFIX]`.

    Raises:
        ConfigError: something else is there.
        PlanError, SecretError: it cannot be encrypted or written.
    """
    inner = f"{artefact.plan.environment}/{artefact.content_hash}"
    if place.startswith("s3://"):
        bucket = _bucket(place)
        kept: Kept = BucketPlace(bucket.bucket, f"{bucket.prefix}/{inner}")
    else:
        path = Path(place)
        kept = FolderPlace(path / inner if place.endswith("/") else path)
    kept.write(pack(artefact, key))
    return str(kept)


def find_artefact(place: str, environment: str, content_hash: str | None) -> Kept:
    """The artefact at a place, or the one among many that is for this content.

    Args:
        content_hash: of what is checked out; None where any will do, if it is the only one.

    Raises:
        PlanError: there is none; those that are there are named.
    """
    remote = place.startswith("s3://")
    whole: FolderPlace | BucketPlace = _bucket(place) if remote else FolderPlace(Path(place))
    if whole.read(MANIFEST) is not None:
        return whole
    names = [f"{environment}/{content_hash}"] if content_hash is not None else _kept(whole)
    one = _below(whole, names[0]) if len(names) == 1 else None
    if one is not None and one.read(MANIFEST) is not None:
        return one
    raise _none_there(whole, environment, content_hash)


def newest_artefact(place: str, environment: str, *, offline: bool) -> Kept | None:
    """Of many, the environment's newest that was not applied: what a refusal holds against what is checked out.

    Raises:
        PlanError: the bucket cannot be used.
    """
    whole: FolderPlace | BucketPlace = _bucket(place) if place.startswith("s3://") else FolderPlace(Path(place))
    newest: tuple[str, Kept | None] = ("", None)
    for name in [each for each in _kept(whole) if each.rpartition("/")[0] == environment][:_LOOKED_AT]:
        kept = _below(whole, name)
        with contextlib.suppress(PlanError):
            manifest = manifest_of(kept)
            fits = manifest.offline == offline and _beside(kept, manifest) is None
            if fits and manifest.created > newest[0]:
                newest = (manifest.created, kept)
    return newest[1]


def read_artefact(kept: Kept, key: PlanKey) -> Artefact:
    """Open what is there.

    Raises:
        PlanError: it is no artefact, damaged, or a newer infra's.
        SecretError: the key does not open it.
    """
    manifest = manifest_of(kept)
    payload = kept.read(PAYLOAD)
    if payload is None:
        raise PlanError(f"{PAYLOAD} is missing", where=str(kept), do="plan again: `infra plan --out DIR`")
    return unpack(manifest, payload, key, str(kept))


def manifest_of(kept: Kept) -> Manifest:
    """What everyone may know of it.

    Raises:
        PlanError: it is no artefact, damaged, or a newer infra's.
    """
    content = kept.read(MANIFEST)
    if content is None:
        raise PlanError(
            f"there is no plan here: {MANIFEST} is missing", where=str(kept), do="plan: `infra plan --out DIR`"
        )
    return read_manifest(content, str(kept))


Outcome = Literal["begun", "applied", "failed", "untouched"]
"""Of an apply; `untouched`: it came to nothing, so that the plan may still serve."""


def mark(kept: Kept, manifest: Manifest, project: Project, outcome: Outcome) -> bool:
    """Remember that an artefact is used up: beside it where that can be written, and with the environment's states.

    Returns:
        Whether it could be written beside it.
    """
    said = {"outcome": outcome, "at": now(), "plan": manifest.payload_sha256}
    path = project.environment_state(manifest.environment) / LEDGER
    ledger = {**_ledger(path), manifest.payload_sha256: said}
    if outcome == "untouched":
        del ledger[manifest.payload_sha256]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, json.dumps(dict(list(ledger.items())[-_LEDGER_KEPT:]), indent=2).encode())
    try:
        kept.add(APPLIED, json.dumps(said, indent=2).encode())
    except (OSError, PlanError):
        return False
    return True


def applied_words(kept: Kept, manifest: Manifest) -> str | None:
    """When it was applied, as noted beside it; None where nothing is noted."""
    said = _beside(kept, manifest)
    return None if said is None else f"{_outcome(said)}, {said.get('at')}"


def refuse_applied(kept: Kept, manifest: Manifest, project: Project) -> None:
    """A plan serves once.

    Raises:
        PlanError: it was applied already, or an apply of it was begun; says when.
    """
    ledger = _ledger(project.environment_state(manifest.environment) / LEDGER)
    said = ledger.get(manifest.payload_sha256) or _beside(kept, manifest)
    if not isinstance(said, dict):
        return
    offline = " --offline" if manifest.offline else ""
    raise PlanError(
        f"the plan {_outcome(said)} already, {said.get('at')}: a plan file serves once",
        where=str(kept),
        do=f"see what is left to do: `infra plan --env {manifest.environment}{offline}`",
    )


def _beside(kept: Kept, manifest: Manifest) -> dict[str, Any] | None:
    try:
        found = json.loads(kept.read(APPLIED) or b"null")
    except ValueError:
        return None
    mine = isinstance(found, dict) and found.get("plan") == manifest.payload_sha256
    return found if mine and found.get("outcome") != "untouched" else None


def _outcome(said: Mapping[str, Any]) -> str:
    words = {"applied": "was applied", "failed": "was applied in part"}
    return words.get(str(said.get("outcome")), "was begun to be applied")


def _ledger(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _bucket(place: str) -> BucketPlace:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ConfigError(f"`{place}` names no bucket", do="write s3://BUCKET/PREFIX")
    return BucketPlace(bucket, prefix)


def _below(whole: FolderPlace | BucketPlace, name: str) -> FolderPlace | BucketPlace:
    if isinstance(whole, BucketPlace):
        return BucketPlace(whole.bucket, f"{whole.prefix}/{name}")
    return FolderPlace(whole.path / name)


def _kept(whole: FolderPlace | BucketPlace) -> list[str]:
    """What is kept there, as `<environment>/<content hash>`."""
    if isinstance(whole, BucketPlace):
        names = whole.names()
    else:
        names = [path.relative_to(whole.path).as_posix() for path in whole.path.glob(f"*/*/{MANIFEST}")]
    folders = [name.removesuffix(f"/{MANIFEST}") for name in names if name.endswith(f"/{MANIFEST}")]
    return sorted(name for name in folders if _HASH.fullmatch(name.rpartition("/")[2]))


def _none_there(whole: FolderPlace | BucketPlace, environment: str, content_hash: str | None) -> PlanError:
    if isinstance(whole, FolderPlace) and not whole.path.is_dir():
        return PlanError(
            "this is no folder" if whole.path.exists() else "there is no such folder",
            where=str(whole),
            do="plan first: `infra plan --out DIR`",
        )
    kept = _kept(whole)
    if not kept:
        what = f"this holds no plan of infra: there is no {MANIFEST}"
        return PlanError(what, where=str(whole), do="plan first: `infra plan --out DIR`")
    if content_hash is None:
        return PlanError("these are several plans", where=str(whole), details=kept[:10], do="name one of them")
    mine = [name.rpartition("/")[2] for name in kept if name.rpartition("/")[0] == environment]
    return PlanError(
        f"no plan of {environment} was kept for this content ({content_hash[:16]}…)",
        where=str(whole),
        details=[f"kept is one for {each[:16]}…" for each in mine[:5]],
        do=f"plan what is checked out now, and have it reviewed: `infra plan --env {environment} --out {whole}"
        f"{'' if isinstance(whole, BucketPlace) else '/'}`",
    )


def now() -> str:
    """The time as a manifest says it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
