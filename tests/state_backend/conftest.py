"""A server of S3, STS and KMS on this machine (moto), and a workbench whose states are in a bucket of it.

moto answers conditional writes and deletes (If-None-Match, If-Match) as S3 does, which Terraform's lock file stands on;
`test_s3_store.py` checks that first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from modules.environment.state import S3State
from modules.terraform.s3 import S3Backend
from modules.terraform.snapshots import mount, unmount
from tests.state_backend.cloud import REGION, Cloud
from tests.state_backend.project import Place
from tests.terraform.support import Workbench


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    started = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    started.start()
    host, port = started.get_host_and_port()
    yield f"http://{host}:{port}"
    started.stop()


@pytest.fixture
def cloud(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTOFSTATES0000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-that-is-nowhere-on-the-disk")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for service in ("STS", "KMS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server)
    return Cloud(server)


class SharedBench(Workbench):
    """A workbench whose states are in a bucket; `again` is another machine with the same YAML."""

    def __init__(self, root: Path, cloud: Cloud, bucket: str) -> None:
        super().__init__(root)
        self.cloud = cloud
        self.bucket = bucket
        self.settings = S3State(bucket=bucket, region=REGION, endpoint=cloud.endpoint)
        self.store = S3Backend(self.settings, "streaming", "test")
        mount(self.project.environment_state("test"), self.store)

    def again(self, root: Path) -> SharedBench:
        other = SharedBench(root, self.cloud, self.bucket)
        other.sources = dict(self.sources)
        return other


@pytest.fixture
def place(
    tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Place]:
    """A project whose environment `shared` has its states in a bucket."""
    from cli.main import main

    def run(root: Path, arguments: Sequence[str]) -> tuple[int, str, str]:
        monkeypatch.setenv("INFRA_PROJECT", str(root))
        capsys.readouterr()
        code = main(arguments)
        return code, *capsys.readouterr()

    made = Place(tmp_path / "project", cloud, cloud.bucket(), run)
    made.yaml()
    yield made
    unmount(made.folder)


@pytest.fixture
def shared(tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[SharedBench]:
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INFRA_TERRAFORM", raising=False)
    made = SharedBench(tmp_path / "project", cloud, cloud.bucket())
    yield made
    unmount(made.project.environment_state("test"))
