"""The service's side of a repository, in a folder: a bare remote, pull requests, artefacts, comments, issues.

Git is real; the rest are JSON files that `gh.py` reads and writes as the service's API would.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Forge", "git"]

REPOSITORY, REPOSITORY_ID, FORK_ID = "acme/streaming", 1001, 2002


def git(folder: Path, *arguments: str) -> str:
    """Git as somebody with a name, without the machine's own settings."""
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in
           (("NAME", "Ada"), ("EMAIL", "ada@example.com"))}  # fmt: skip
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **who}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Forge:
    """One repository."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Forge:
        root.mkdir(parents=True)
        forge = cls(root)
        git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(forge.remote))
        return forge

    @property
    def remote(self) -> Path:
        return self.root / "remote.git"

    def read(self, name: str) -> list[dict[str, Any]]:
        """All of a kind: pulls, runs, artifacts, comments, issues."""
        file = self.root / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else []

    def add(self, kind: str, /, **what: Any) -> dict[str, Any]:
        """One more, with an id of its own."""
        every = self.read(kind)
        made = {"id": len(every) + 1, **what}
        self.write(kind, [*every, made])
        return made

    def write(self, name: str, every: list[dict[str, Any]]) -> None:
        (self.root / f"{name}.json").write_text(json.dumps(every, indent=1))

    def open_pull_request(self, branch: str, *, fork: bool = False) -> dict[str, Any]:
        """A pull request of a branch that was pushed, with the merge that the service makes for its checks."""
        number = len(self.read("pulls")) + 1
        pull = self.add("pulls", number=number, branch=branch, fork=fork, merged_at=None, head={"sha": ""})
        return self.renew(pull)

    def renew(self, pull: Mapping[str, Any]) -> dict[str, Any]:
        """After a push to its branch: its head, and what its merge would be."""
        head = git(self.remote, "rev-parse", f"refs/heads/{pull['branch']}")
        tree = git(self.remote, "merge-tree", "--write-tree", "main", head).splitlines()[0]
        merge = git(self.remote, "commit-tree", tree, "-p", "main", "-p", head, "-m", f"Merge {pull['branch']}")
        git(self.remote, "update-ref", f"refs/pull/{pull['number']}/merge", merge)
        return self._changed(pull, head={"sha": head}, merge=merge)

    def merge(self, pull: Mapping[str, Any]) -> dict[str, Any]:
        """Into main, by a commit of its own as the service's button makes one."""
        current = self.renew(pull)
        before = git(self.remote, "rev-parse", "main")
        tree = git(self.remote, "rev-parse", f"{current['merge']}^{{tree}}")
        commit = git(
            self.remote, "commit-tree", tree, "-p", before, "-p", current["head"]["sha"], "-m", "Merge pull request"
        )
        git(self.remote, "update-ref", "refs/heads/main", commit)
        return self._changed(current, merged_at="2026-11-22T00:00:00Z", merged=commit, before=before)

    def _changed(self, pull: Mapping[str, Any], **what: Any) -> dict[str, Any]:
        every = self.read("pulls")
        made = {**every[pull["number"] - 1], **what}
        every[pull["number"] - 1] = made
        self.write("pulls", every)
        return made
