"""Looks for planted secrets ("canaries") in every form another program may repeat them in, and wherever they may be.

Forms are made here anew, not taken from `modules/redaction.py`: what the product forgot would be forgotten twice.
Files are searched as bytes; archives (zip, tar, gzip, one in the other) are opened. SQLite keeps text as it is, so the
bytes of its file are enough, journals included.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import re
import secrets
import shlex
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from glob import glob
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus

SHORTEST_LINE = 20
"""Of a private key each line as long as this is a canary by itself."""
_LARGEST = 16 * 2**20
"""Larger files are programs, which nothing here writes."""
_BEGINNING = 8
_LEGIBLE = re.compile(rb"[!-~]{%d,}" % _BEGINNING)
"""What every form begins with: most of a database's files is something else, and need not be gone through."""


def password(name: str) -> str:
    """A value with letters that JSON, URLs and shells write otherwise."""
    return f"cnry-{name[:8]}-{secrets.token_hex(8)}'\"<&+/é"


def private_key(passphrase: str | None = None) -> str:
    """A real PKCS#8 key."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    locked = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, locked).decode()


def lines_of(secret: str) -> tuple[str, ...]:
    """What of a secret is searched for: all of it, or its long lines and their halves, for who wraps them anew."""
    if "\n" not in secret.strip():
        return (secret,)
    body = [line.strip() for line in secret.splitlines() if not line.startswith("-----")]
    # The first line of a PKCS#8 key says its kind: alike in every key, and so no secret.
    long = [line for line in body[1:] if len(line) >= SHORTEST_LINE]
    return tuple(part for line in long for part in (line[: len(line) // 2], line[len(line) // 2 :]))


def forms_of(value: str) -> dict[str, str]:
    """The value in each encoding, by the encoding's name."""
    data = value.encode()
    forms = {
        "raw": value,
        "json": json.dumps(value)[1:-1],
        "json, unicode": json.dumps(value, ensure_ascii=False)[1:-1],
        "json twice": json.dumps(json.dumps(value)[1:-1])[1:-1],
        "url": quote(value, safe=""),
        "url, form": quote_plus(value),
        "hex": data.hex(),
        "HEX": data.hex().upper(),
        "shell": shlex.quote(value)[1:-1] if shlex.quote(value) != value else value,
    }
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            forms[f"{name} at {before}"] = encode(b"\0" * before + data).decode()[first:last]
    return forms


@dataclass(frozen=True)
class Found:
    """A canary where none should be; its value is not repeated."""

    canary: str
    form: str
    place: str


@dataclass(frozen=True)
class Meant:
    """A place where a secret has to be, and why."""

    files: str
    """A pattern of paths, relative to the folder that is searched."""
    why: str
    canaries: str = "*"


@dataclass
class Hunter:
    """Knows the canaries of a test."""

    canaries: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        self._forms = [
            (name, form, text.encode())
            for name, secret in self.canaries.items()
            for part in lines_of(secret)
            for form, text in forms_of(part).items()
        ]
        # One look for the beginnings of all forms, since there are thousands of them and few texts hold any.
        assert all(_LEGIBLE.match(text) for _, _, text in self._forms)
        self._beginnings = {text[:_BEGINNING] for _, _, text in self._forms}

    def in_bytes(self, data: bytes, place: str) -> Iterator[Found]:
        """In text or a file's content, and in what is packed in it."""
        begun = self._beginnings.intersection(
            data[start : start + _BEGINNING]
            for run in _LEGIBLE.finditer(data)
            for start in range(run.start(), run.end() - _BEGINNING + 1)
        )
        if begun:
            forms = [each for each in self._forms if each[2][:_BEGINNING] in begun]
            yield from {Found(name, form, place): None for name, form, text in forms if text in data}
        for inner, content in _unpacked(data):
            yield from self.in_bytes(content, f"{place}!{inner}")

    def in_text(self, text: str, place: str) -> list[Found]:
        return list(self.in_bytes(text.encode(errors="surrogateescape"), place))

    def in_folder(
        self, folder: Path, meant: Iterable[Meant] = (), *, since: float = 0.0, largest: int = _LARGEST
    ) -> list[Found]:
        """In each file's name and content, also of what ends while it is looked at; `meant` places are left out.

        Args:
            since: leave out files that were not changed after this time.
            largest: leave out larger ones.
        """
        found: list[Found] = []
        for path in sorted(folder.rglob("*")):
            place = str(path.relative_to(folder))
            hits = list(self.in_bytes(place.encode(), f"name of {place}"))
            with contextlib.suppress(FileNotFoundError):
                about = path.lstat()
                if stat.S_ISREG(about.st_mode) and about.st_mtime >= since and about.st_size <= largest:
                    hits += self.in_bytes(path.read_bytes(), place)
            found += [hit for hit in hits if not any(_is_meant(hit, place, each) for each in meant)]
        return found


def _is_meant(hit: Found, place: str, meant: Meant) -> bool:
    return fnmatch(place, meant.files) and fnmatch(hit.canary, meant.canaries)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        if data[:2] == b"\x1f\x8b":
            yield "gzip", gzip.decompress(data)
        elif data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from [(name, archive.read(name)) for name in archive.namelist()]
        elif data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                for member in tar.getmembers():
                    content = tar.extractfile(member) if member.isfile() else None
                    if content is not None:
                        yield member.name, content.read()
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError, RuntimeError, NotImplementedError):
        return


def _below(pid: int) -> Iterator[int]:
    """Children and theirs, asked of the kernel: going through all processes every 5 ms would cost half a processor."""
    for task in glob(f"/proc/{pid}/task/*/children"):
        try:
            children = Path(task).read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from _below(child)


class Processes:
    """Notes the arguments of every process below this one, looking every few milliseconds, while it is entered.

    Services go on without their parent, so they are not below: `marked` finds those that inherited its name and value
    in their environment, and what is below them, looking every tenth of a second.
    """

    def __init__(self, every: float = 0.005, marked: tuple[str, str] | None = None) -> None:
        self._every = every
        self._mark = f"\0{'='.join(marked)}\0".encode() if marked else None
        self._known: set[int] = set()
        self._marked: set[int] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.arguments: set[tuple[str, ...]] = set()
        self.cores: set[tuple[str, str]] = set()
        """Program and its limits of a core file's size."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _watch(self) -> None:
        rounds = 0
        while not self._ended.wait(self._every):
            self._look(_below(os.getpid()))
            rounds += 1
            if self._mark and rounds % 20 == 0:
                self._find_marked()
                for pid in self._marked:
                    self._look((pid, *_below(pid)))

    def _look(self, pids: Iterable[int]) -> None:
        for pid in pids:
            try:
                arguments = tuple(Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")[:-1])
                if not arguments or arguments in self.arguments:
                    continue
                self.arguments.add(arguments)
                limits = Path(f"/proc/{pid}/limits").read_text()
            except OSError:
                continue
            core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
            self.cores.add((" ".join(arguments), " ".join(core.split()[4:6])))

    def _find_marked(self) -> None:
        assert self._mark is not None
        there = {int(name) for name in os.listdir("/proc") if name.isdecimal()} - {os.getpid()}
        self._marked &= there
        self._known &= there
        for pid in there - self._known:
            self._known.add(pid)
            try:
                if self._mark in b"\0" + Path(f"/proc/{pid}/environ").read_bytes():
                    self._marked.add(pid)
            except OSError:
                continue

    def text(self) -> str:
        return "\n".join("\0".join(arguments) for arguments in sorted(self.arguments))
