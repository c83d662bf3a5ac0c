"""What there is of an environment's states: where, how old, how much in them, and what they were earlier."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modules.errors import StateError
from modules.state.places import Bucket, Place, parsed
from modules.terraform.locks import LockInfo

__all__ = ["Earlier", "Shown", "earlier", "earlier_content", "show"]

SHOWN = 20
"""Of how many earlier states of a stack the serial is looked up."""


@dataclass(frozen=True)
class Shown:
    """One stack's state. `problem` says what is wrong with it, and then the rest is not known."""

    stack: str
    where: str
    modified: str
    bytes: int
    serial: int | None = None
    lineage: str | None = None
    terraform: str | None = None
    resources: int | None = None
    outputs: int | None = None
    locked: dict[str, str] | None = None
    problem: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Earlier:
    """An earlier state that can be put back."""

    stack: str
    id: str
    modified: str
    bytes: int
    serial: int | None
    resources: int | None
    current: bool = False


def show(place: Place) -> tuple[Shown, ...]:
    """Every stack's state, whatever it is.

    Raises:
        StateError: the place cannot be read.
    """
    found = []
    for stack in place.stacks():
        content = place.fetch(stack)
        if content is None:
            continue
        held = place.store.holder(stack) if isinstance(place, Bucket) else None
        shown = Shown(stack, place.of(stack), _time(content.modified), len(content.content), locked=_lock(held))
        try:
            state = parsed(content.content, place.of(stack), simulated=place.simulated)
        except StateError as error:
            found.append(Shown(**{**asdict(shown), "problem": error.what}))
            continue
        known = {"serial": state.serial, "lineage": state.lineage, "terraform": state.terraform_version}
        counts = {"resources": len(state.addresses), "outputs": len(state.outputs)}
        found.append(Shown(**{**asdict(shown), **known, **counts}))
    return tuple(found)


def earlier(root: Path, place: Place, stacks: Sequence[str] = ()) -> tuple[Earlier, ...]:
    """Earlier states, the newest of each stack first: versions of a bucket, backups of files here.

    Raises:
        StateError: they cannot be read.
    """
    found: list[Earlier] = []
    for stack in stacks or _known(root, place):
        if isinstance(place, Bucket):
            found += _versions(place, stack)
        found += _backups(root / stack, place)
    return tuple(found)


def earlier_content(root: Path, place: Place, stack: str, identifier: str) -> bytes:
    """One of them.

    Raises:
        StateError: there is none of this id.
    """
    name = Path(identifier).name
    if name == identifier and (root / stack / "backups" / name).is_file():
        return (root / stack / "backups" / name).read_bytes()
    content = place.store.version(stack, identifier) if isinstance(place, Bucket) else None
    if content is None:
        raise StateError(
            f"stack {stack} has no earlier state `{identifier}`", where=place.of(stack),
            do=f"`infra state backups --env {root.name}{' --offline' if place.simulated else ''}` lists them",
        )  # fmt: skip
    return content


def _known(root: Path, place: Place) -> tuple[str, ...]:
    with_backups = (path.parent.parent.name for path in root.glob("*/backups/*"))
    return tuple(sorted({*place.stacks(), *with_backups}))


def _versions(place: Bucket, stack: str) -> list[Earlier]:
    versions = [each for each in place.store.versions(stack) if not each.deleted]
    with ThreadPoolExecutor(max_workers=8) as pool:
        contents = list(pool.map(lambda each: place.store.version(stack, each.id), versions[:SHOWN]))
    facts = [_facts(content or b"") for content in contents] + [(None, None)] * len(versions[SHOWN:])
    return [
        Earlier(stack, each.id, _time(each.modified), each.size, serial, resources, each.latest)
        for each, (serial, resources) in zip(versions, facts, strict=True)
    ]


def _backups(folder: Path, place: Place) -> list[Earlier]:
    now = None if isinstance(place, Bucket) else place.fetch(folder.name)
    found = []
    for path in sorted((folder / "backups").glob("*"), reverse=True):
        content = path.read_bytes()
        serial, resources = _facts(content, simulated=place.simulated)
        moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        current = now is not None and now.content == content
        found.append(Earlier(folder.name, path.name, _time(moment), len(content), serial, resources, current))
    return found


def _facts(content: bytes, *, simulated: bool = False) -> tuple[int | None, int | None]:
    try:
        return (state := parsed(content, "", simulated=simulated)).serial, len(state.addresses)
    except StateError:
        return None, None


def _lock(held: LockInfo | None) -> dict[str, str] | None:
    if held is None:
        return None
    return {"id": held.id, "who": held.who, "operation": held.operation, "since": held.since}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
