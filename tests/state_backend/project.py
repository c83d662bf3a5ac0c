"""A project on the disk whose environment `shared` keeps its states in a bucket, and its commands in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modules.project import Project
from tests.state_backend.cloud import REGION, Cloud


def state(serial: int = 1, lineage: str = "one", names: tuple[str, ...] = ("a",), **outputs: Any) -> bytes:
    """A state as Terraform writes it."""
    resources = [
        {
            "mode": "managed", "type": "terraform_data", "name": name,
            "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [{"schema_version": 0, "attributes": {"id": name, "input": None}}],
        }
        for name in names
    ]  # fmt: skip
    shown = {name: {"value": value, "type": "string"} for name, value in outputs.items()}
    head = {"version": 4, "terraform_version": "1.15.5", "serial": serial, "lineage": lineage}
    return json.dumps({**head, "outputs": shown, "resources": resources}).encode()


@dataclass
class Place:
    """The project; `infra` returns the exit code, and `out` and `err` hold what was said."""

    root: Path
    cloud: Cloud
    bucket: str
    run: Callable[..., tuple[int, str, str]]
    out: str = field(default="", init=False)
    err: str = field(default="", init=False)

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def folder(self) -> Path:
        return self.project.environment_state("shared")

    def yaml(self, where: str = "s3", **more: Any) -> None:
        """The environment's file, with the states in the bucket or here."""
        its = {"bucket": self.bucket, "region": REGION, "endpoint": self.cloud.endpoint, **more}
        text = "local" if where == "local" else json.dumps({"s3": its})
        (self.root / "environments").mkdir(parents=True, exist_ok=True)
        (self.root / "environments" / "shared.yaml").write_text(f"platform: local\nstate: {text}\n")

    def infra(self, *arguments: str) -> int:
        code, self.out, self.err = self.run(self.root, arguments)
        return code

    def local(self, stack: str, content: bytes) -> Path:
        path = self.folder / stack / "terraform.tfstate"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def put(self, stack: str, content: bytes) -> None:
        self.cloud.client().put_object(Bucket=self.bucket, Key=f"streaming/shared/{stack}.tfstate", Body=content)

    def held(self, stack: str) -> bytes | None:
        client = self.cloud.client()
        try:
            body: bytes = client.get_object(Bucket=self.bucket, Key=f"streaming/shared/{stack}.tfstate")["Body"].read()
            return body
        except client.exceptions.NoSuchKey:
            return None
