"""Everything of a plan in one encrypted file, and a small manifest in clear that says what it is.

The payload is a zip, encrypted whole: `artefact.json` (the plan as data, what it depends on, states and accounts it was
made against, cost and summary) and, for each stack, its plan file, its dependency lock and its synthesised JSON. The
manifest holds no value of any resource. What is said in both must agree.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from modules.artefact.document import from_document, to_document
from modules.artefact.keys import PlanKey, readers_of
from modules.artefact.states import StateIdentity
from modules.errors import PlanError
from modules.terraform.plan import EnvironmentPlan

__all__ = [
    "FORMAT_VERSION",
    "MANIFEST",
    "PAYLOAD",
    "Artefact",
    "Manifest",
    "StackFiles",
    "pack",
    "read_manifest",
    "unpack",
]

FORMAT = "infra-plan"
FORMAT_VERSION = 1
"""Raised when an older `infra` could misread what a newer one wrote."""

MANIFEST = "manifest.json"
PAYLOAD = "plan.encrypted"
_INNER = "artefact.json"
_AGAIN = "plan again: `infra plan --out DIR`"


@dataclass(frozen=True)
class StackFiles:
    """What Terraform needs of a stack to apply its plan elsewhere."""

    plan_file: bytes = field(default=b"", repr=False)
    """Empty where the stack is planned only when its turn comes."""
    lock: bytes = b""
    synthesised: bytes = field(default=b"", repr=False)
    first_state: bytes | None = field(default=None, repr=False)
    """Of a rehearsal that was never applied: the empty, marked state its plan was made against."""
    imports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Artefact:
    """A plan with everything an apply needs, and all it must be held against."""

    plan: EnvironmentPlan
    created: str
    content: Mapping[str, str]
    """See `content.py`."""
    content_hash: str
    states: Mapping[str, StateIdentity | None]
    identity: Mapping[str, str]
    """See `identity.py`."""
    tools: Mapping[str, str]
    revision: Mapping[str, Any] | None = None
    """The commit that was checked out, and whether `environments/` differed from it; None: no git."""
    cost: Mapping[str, Any] | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)
    """As text lines with their styles, as JSON and as Markdown, as reviewed."""
    allow_destroy: tuple[str, ...] = ()
    """What holds data and may go, as reviewed."""
    made_up_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of a rehearsal: key pairs it made up, by file name. Those of a real environment are never here."""
    files: Mapping[str, StackFiles] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Manifest:
    """What everyone may know of an artefact."""

    environment: str
    offline: bool
    created: str
    content_hash: str
    tools: Mapping[str, str]
    revision: Mapping[str, Any] | None
    counts: Mapping[str, Mapping[str, int]]
    """Stack → kind of change → how many."""
    encryption: Mapping[str, Any]
    payload_bytes: int
    payload_sha256: str

    @property
    def context(self) -> dict[str, str]:
        """What encryption is bound to."""
        return {"infra": "plan", "environment": self.environment, "content": self.content_hash}

    @property
    def readers(self) -> str:
        """For whom it is encrypted."""
        return readers_of(self.encryption)

    def to_json(self) -> dict[str, Any]:
        """The manifest's document, stable: `version` is raised when it changes its meaning."""
        return {"format": FORMAT, "version": FORMAT_VERSION, **asdict(self)}


def pack(artefact: Artefact, key: PlanKey) -> dict[str, bytes]:
    """The artefact's files by name, the manifest last."""
    inner = {
        **_inner(artefact),
        "stacks": {name: {"imports": dict(each.imports)} for name, each in artefact.files.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(_INNER, json.dumps(inner))
        for name, files in artefact.files.items():
            for part, content in _parts(files).items():
                bundle.writestr(f"stacks/{name}/{part}", content)
    counts = {each.stack: {str(kind): number for kind, number in each.counts.items()} for each in artefact.plan.stacks}
    manifest = Manifest(
        artefact.plan.environment, artefact.plan.offline, artefact.created, artefact.content_hash, artefact.tools,
        artefact.revision, counts, key.to_json(), 0, "",
    )  # fmt: skip
    payload = key.encrypt(buffer.getvalue(), manifest.context)
    manifest = Manifest(
        **{**_shallow(manifest), "payload_bytes": len(payload), "payload_sha256": hashlib.sha256(payload).hexdigest()}
    )
    return {PAYLOAD: payload, MANIFEST: json.dumps(manifest.to_json(), indent=2).encode() + b"\n"}


def read_manifest(content: bytes, where: str) -> Manifest:
    """The manifest.

    Raises:
        PlanError: it is no artefact's, damaged, or a newer infra's.
    """
    try:
        document = json.loads(content)
        format_, version = document["format"], document["version"]
    except (ValueError, KeyError, TypeError):
        raise PlanError(
            f"this is no plan of infra: its {MANIFEST} is damaged or another program's", where=where, do=_AGAIN
        ) from None
    if format_ != FORMAT:
        raise PlanError(f"this is no plan of infra: its {MANIFEST} is another program's", where=where, do=_AGAIN)
    if not isinstance(version, int) or version > FORMAT_VERSION:
        made_with = (document.get("tools") or {}).get("infra", "unknown")
        raise PlanError(
            f"a newer infra made this plan: its format is {version}, this one reads formats up to {FORMAT_VERSION} "
            f"(it was made with infra {made_with})",
            where=where,
            do="use that infra, or plan again with this one",
        )
    try:
        return _typed_manifest(document)
    except (KeyError, TypeError, ValueError):
        raise PlanError(f"the {MANIFEST} of this plan is damaged", where=where, do=_AGAIN) from None


def unpack(manifest: Manifest, payload: bytes, key: PlanKey, where: str) -> Artefact:
    """Open an artefact.

    Raises:
        PlanError: it is truncated, damaged or not what its manifest says.
        SecretError: the key does not open it.
    """
    if len(payload) != manifest.payload_bytes:
        word = "truncated" if len(payload) < manifest.payload_bytes else "longer than it was"
        raise PlanError(
            f"the encrypted plan is {word}: {len(payload)} of {manifest.payload_bytes} bytes", where=where, do=_AGAIN
        )
    if hashlib.sha256(payload).hexdigest() != manifest.payload_sha256:
        raise PlanError(
            "the encrypted plan is damaged: its SHA-256 is not the one its manifest names", where=where, do=_AGAIN
        )
    clear = key.decrypt(payload, manifest.context, manifest.readers)
    try:
        artefact = _opened(clear)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError):
        raise PlanError("what the encrypted plan holds is no plan of this infra", where=where, do=_AGAIN) from None
    inside = (artefact.plan.environment, artefact.plan.offline, artefact.created, artefact.content_hash)
    if inside != (manifest.environment, manifest.offline, manifest.created, manifest.content_hash):
        raise PlanError(f"the {MANIFEST} says something else than the plan it stands beside", where=where, do=_AGAIN)
    return artefact


def _inner(artefact: Artefact) -> dict[str, Any]:
    return {
        "plan": to_document(artefact.plan),
        "created": artefact.created,
        "content": dict(artefact.content),
        "content_hash": artefact.content_hash,
        "states": {name: asdict(each) if each else None for name, each in artefact.states.items()},
        "identity": dict(artefact.identity),
        "tools": dict(artefact.tools),
        "revision": artefact.revision,
        "cost": artefact.cost,
        "summary": artefact.summary,
        "allow_destroy": list(artefact.allow_destroy),
        "made_up_keys": dict(artefact.made_up_keys),
    }


def _parts(files: StackFiles) -> dict[str, bytes]:
    found = {
        "plan.tfplan": files.plan_file,
        ".terraform.lock.hcl": files.lock,
        "cdk.tf.json": files.synthesised,
        "first.tfstate": files.first_state or b"",
    }
    return {name: content for name, content in found.items() if content}


def _opened(clear: bytes) -> Artefact:
    with zipfile.ZipFile(io.BytesIO(clear)) as bundle:
        document = json.loads(bundle.read(_INNER))
        there = set(bundle.namelist())

        def part(stack: str, name: str) -> bytes:
            path = f"stacks/{stack}/{name}"
            return bundle.read(path) if path in there else b""

        files = {
            name: StackFiles(
                part(name, "plan.tfplan"),
                part(name, ".terraform.lock.hcl"),
                part(name, "cdk.tf.json"),
                part(name, "first.tfstate") or None,
                body["imports"],
            )
            for name, body in document.pop("stacks").items()
        }
    states = {name: StateIdentity(**each) if each else None for name, each in document["states"].items()}
    plan, allowed = from_document(document["plan"]), tuple(document["allow_destroy"])
    return Artefact(**{**document, "plan": plan, "states": states, "files": files, "allow_destroy": allowed})


def _typed_manifest(document: Mapping[str, Any]) -> Manifest:
    values = {name: document[name] for name in Manifest.__dataclass_fields__}
    found = Manifest(**values)
    texts = (found.environment, found.created, found.content_hash, found.payload_sha256)
    if not all(isinstance(each, str) for each in texts) or not isinstance(found.offline, bool):
        raise ValueError
    if not isinstance(found.payload_bytes, int) or not isinstance(found.encryption, dict):
        raise ValueError
    if not isinstance(found.tools, dict) or not isinstance(found.counts, dict):
        raise ValueError
    return found


def _shallow(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}
