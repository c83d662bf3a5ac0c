"""A project on the real local platform that is full of canaries, everything that was said in it, and the search.

A canary is what a test planted, or what `infra` made itself: each key and password is random, so each is as good a
canary as a planted one. They are gathered after every command, since a key that was rotated away is still a secret.
"""

from __future__ import annotations

import contextlib
import resource
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

from modules.local import postgres
from modules.project import Project, cache_dir
from tests.integration.program import Infra, Ran
from tests.secrets.canary import Found, Hunter, Meant, Processes

MARK = "INFRA_TEST_CANARY"
_LARGEST = 64 * 2**20

MADE = (
    Meant(".infra/local-platform/secrets/*", "passwords and keys of the laptop's services, which they read here"),
    Meant(".infra/env/*/secrets/*", "keys of service users that infra makes where the YAML names none"),
    Meant(".infra/offline/env/*/secrets/*", "keys made up for a rehearsal, which log in nowhere"),
    Meant(".infra/plan-key.txt", "the project's own key of kept plans"),
)
"""Where secrets are meant to be, each file with mode 0600. No state is among them: on a laptop none holds a secret."""


@dataclass
class Hunt:
    """Runs commands in a project and remembers what they said."""

    infra: Infra
    planted: dict[str, str] = field(default_factory=dict, repr=False)
    meant: tuple[Meant, ...] = MADE
    begun: float = field(default_factory=time.time)
    seen: Processes | None = None
    gathers: bool = True
    """Whether secrets' files hold secrets; not while a test puts something else there."""

    def __post_init__(self) -> None:
        self.canaries = dict(self.planted)

    @property
    def project(self) -> Project:
        return self.infra.project

    def __call__(self, line: str, *codes: int) -> Ran:
        """`infra LINE`, whose exit code is one of these (default 0)."""
        ran = self.infra(*line.split())
        assert ran.code in (codes or (0,)), f"infra {line}: {ran.code}\n{ran.err}\n{ran.out}"
        if self.gathers:
            self.gather()
        return ran

    def gather(self) -> None:
        """The secrets that are now in the files made for them, by content: one that stays counts once."""
        known = set(self.canaries.values())
        for path in self.secret_files():
            text = path.read_text(errors="replace").strip()
            if len(text) >= 8 and "PUBLIC KEY" not in text and text not in known:
                known.add(text)
                self.canaries[f"{path.name}, {len(self.canaries)}"] = text

    def secret_files(self) -> list[Path]:
        """Those that are there now."""
        root = self.project.root
        files = [path for path in root.rglob("*") if path.is_file()]
        return [path for path in files if any(fnmatch(str(path.relative_to(root)), each.files) for each in self.meant)]

    def found(self) -> list[Found]:
        """Every canary where none should be: in what was said, in arguments, in files of the project and the cache."""
        hunter = Hunter(self.canaries)
        found = []
        for line, ran in self.infra.said:
            found += hunter.in_text(ran.out, f"stdout of {line}") + hunter.in_text(ran.err, f"stderr of {line}")
        if self.seen is not None:
            found += hunter.in_text(self.seen.text(), "process arguments")
        for folder in (self.project.root, *self._elsewhere()):
            found += hunter.in_folder(folder, self.meant, largest=_LARGEST)
        # What was in the cache before cannot hold what was made since.
        return found + hunter.in_folder(cache_dir(), since=self.begun, largest=_LARGEST)

    def _elsewhere(self) -> list[Path]:
        """PostgreSQL's files, which it keeps outside of the project where it may not run as who tests."""
        home = postgres.home_of(self.project)
        return [home.folder] if home.user is not None and home.folder.is_dir() else []

    def open_files(self) -> list[str]:
        """Secrets' files that anybody but the owner may read."""
        return [
            f"{path} {stat.S_IMODE(path.stat().st_mode):04o}"
            for path in self.secret_files()
            if path.stat().st_mode & 0o077
        ]

    def cores(self) -> list[str]:
        """What a kernel may have left of a process that was ended by force."""
        folders = (self.project.root, *self._elsewhere())
        return [str(path) for folder in folders for path in folder.rglob("*core*") if _dumped(path)]


def _dumped(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(18)
    # ELF, type 4: a core.
    return head[:4] == b"\x7fELF" and head[16:18] in (b"\4\0", b"\0\4")


@contextlib.contextmanager
def hunting(
    project: Project, *meant: Meant, planted: dict[str, str] | None = None, every: float = 0.005
) -> Iterator[Hunt]:
    """A hunt whose temporary files and home are searched too, and whose processes are looked at `every` so often.

    This process's own limit of core files is raised meanwhile, so that who leaves none does so by itself.
    """
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("temporary", "home"):
            (project.root / name).mkdir(mode=0o700)
        patch.setenv("INFRA_CACHE", str(cache_dir()))
        patch.setenv("TMPDIR", str(project.root / "temporary"))
        patch.setenv("HOME", str(project.root / "home"))
        patch.setattr(tempfile, "tempdir", None)
        patch.setenv(MARK, str(project.root))
        patch.setenv("CI", "true")
        resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
        hunt = Hunt(Infra(project), planted or {}, (*MADE, *meant))
        try:
            with Processes(every, marked=(MARK, str(project.root))) as seen:
                hunt.seen = seen
                yield hunt
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, limits)


def core_pattern() -> str:
    """Where this kernel puts a core: a file's name, or `|program` that is handed it."""
    return Path("/proc/sys/kernel/core_pattern").read_text().strip()
