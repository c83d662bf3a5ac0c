"""Projects of a benchmark's own: the repository's environments, copied to a temporary folder.

Nothing is read from or written to the project that a person works in; the local platform that is started here is
stopped here, whatever happens.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.process import INFRA, ROOT, Measured, run

__all__ = ["BenchProject", "local_platform", "temporary_project"]


@dataclass(frozen=True)
class BenchProject:
    """A temporary project."""

    root: Path

    @property
    def variables(self) -> dict[str, str]:
        return {"INFRA_PROJECT": str(self.root)}

    def infra(
        self,
        *arguments: str,
        codes: tuple[int, ...] = (0,),
        variables: dict[str, str] | None = None,
        memory: bool = False,
    ) -> Measured:
        """Run the command line in this project."""
        environment = {**self.variables, **(variables or {})}
        return run([*INFRA, *arguments], environment=environment, codes=codes, memory=memory)

    def write_topics(self, name: str, count: int) -> None:
        """An environment `name` with `count` plain topics of one partition (and base's own topic)."""
        topics = "\n".join(f"  bench-{number:05d}: {{partitions: 1}}" for number in range(count))
        text = f"extends: base\nplatform: local\ntopics:\n{topics}\n"
        (self.root / "environments" / f"{name}.yaml").write_text(text)

    def pretend_platform(self) -> None:
        """Write what `infra local up` would have recorded, for work that only reads it and connects to nothing."""
        from modules.local.endpoints import LocalEndpoints, record_file, secret_file
        from modules.project import Project
        from modules.warehouse.connection import make_key_pair

        project = Project(self.root)
        secrets = secret_file(project, "kafka-admin.password")
        secrets.parent.mkdir(parents=True)
        for user in ("admin", "producer", "consumer", "sink"):
            secret_file(project, f"kafka-{user}.password").write_text("not-used")
        public = make_key_pair(secret_file(project, "snowflake-admin.p8"))
        secret_file(project, "snowflake-admin.pub").write_text(public)
        record = LocalEndpoints("127.0.0.1:1", "http://127.0.0.1:1/apis/ccompat/v7", "127.0.0.1", 1)
        record_file(project).write_text(record.dump())


@contextlib.contextmanager
def temporary_project() -> Iterator[BenchProject]:
    """A project that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="infra-bench-") as folder:
        shutil.copytree(ROOT / "environments", Path(folder) / "environments")
        yield BenchProject(Path(folder))


@contextlib.contextmanager
def local_platform(*, deployed: bool) -> Iterator[BenchProject]:
    """A project with the local platform up, and `local` deployed if asked for; down again at the end."""
    with temporary_project() as project:
        try:
            project.infra("local", "up")
            if deployed:
                project.infra("deploy", "--env", "local", "--yes")
            yield project
        finally:
            project.infra("local", "down")
