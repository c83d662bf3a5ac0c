"""Downloads against a real HTTP server on loopback that serves a small Maven-shaped repository."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modules.errors import DownloadError
from modules.local import artifacts, download
from modules.local.artifacts import Bundle, ensure, load_lock
from modules.local.download import Pinned


class Repository:
    """Files under `folder`, served; `requests` are the paths asked for, `truncate` cuts answers short."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.truncate = False
        outer = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *arguments: object) -> None:
                pass

            def do_GET(self) -> None:
                outer.requests.append(self.path)
                if outer.truncate and not self.path.endswith(".sha1"):
                    self.send_response(200)
                    self.send_header("Content-Length", "1000000")
                    self.end_headers()
                    self.wfile.write(b"half of it")
                    self.close_connection = True
                else:
                    super().do_GET()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, coordinate: str, content: bytes) -> Pinned:
        pinned = Pinned(coordinate, hashlib.sha256(content).hexdigest(), len(content))
        path = self.folder / pinned.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return pinned


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    served = Repository(tmp_path / "served")
    monkeypatch.setenv("INFRA_MAVEN_MIRROR", served.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield served
    served.server.shutdown()
    served.server.server_close()


def archive(names: tuple[str, ...] = ("quarkus-run.jar",)) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"jar!"))
    return buffer.getvalue()


@pytest.fixture
def bundles(repository: Repository) -> dict[str, Bundle]:
    jars = tuple(repository.add(f"org.example:part{number}:1.0", bytes([number]) * 1000) for number in range(5))
    app = repository.add("io.example:app:2.0:tar.gz:all", archive())
    return {"kafka": Bundle("kafka", (), jars), "registry": Bundle("registry", (), (app,))}


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def test_everything_is_fetched_once_and_then_no_network_is_touched(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    found = ensure(lambda done, total: seen.append((done, total)), cache=tmp_path / "cache", bundles=bundles)
    assert [path.read_bytes()[0] for path in found.kafka_classpath] == [0, 1, 2, 3, 4]
    assert (found.registry_home / "quarkus-run.jar").read_bytes() == b"jar!"
    total = sum(file.size for bundle in bundles.values() for file in bundle.files)
    assert seen[-1] == (total, total)

    asked = len(repository.requests)
    repository.server.shutdown()
    assert ensure(cache=tmp_path / "cache", bundles=bundles) == found
    assert len(repository.requests) == asked


def test_a_cache_filled_by_hand_needs_no_network(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    repository.folder.rename(tmp_path / "cache" / "maven")
    assert ensure(cache=tmp_path / "cache", bundles=bundles).registry_home.is_dir()
    assert repository.requests == []


def test_connectors_are_fetched_when_they_are_asked_for_and_not_before(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    assert set(artifacts.chosen()) == {"kafka", "registry"}
    assert set(artifacts.chosen(artifacts.CDC)) == set(artifacts.ROOTS)
    cache = tmp_path / "cache"
    assert ensure(cache=cache, bundles=bundles).snowflake_connector is None
    worker = repository.add("org.example:worker:1.0", b"w")
    jar = repository.add("org.example:sink:1.0", b"s")
    tarball = repository.add("org.example:source:1.0:tar.gz:plugin", archive(("debezium-connector-postgres/a.jar",)))
    more = {
        **bundles,
        "connect": Bundle("connect", (), (worker,)),
        "snowflake-connector": Bundle("snowflake-connector", (), (jar,)),
        "debezium": Bundle("debezium", (), (tarball,)),
    }
    found = ensure(cache=cache, bundles=more)
    assert [path.read_bytes() for path in found.connect_classpath] == [b"w"]
    assert found.snowflake_connector is not None and found.snowflake_connector.read_bytes() == b"s"
    assert found.debezium_home is not None
    assert (found.debezium_home / "debezium-connector-postgres" / "a.jar").read_bytes() == b"jar!"


def test_a_wrong_checksum_deletes_the_file_and_says_so(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    bad = bundles["kafka"].files[2]
    (repository.folder / bad.path).write_bytes(b"?" * bad.size)
    with pytest.raises(DownloadError, match="not what it should be; it was deleted") as caught:
        ensure(cache=tmp_path / "cache", bundles=bundles)
    assert caught.value.where == "org.example:part2:1.0"
    assert bad.sha256 in str(caught.value)
    assert not any("part2" in name for name in files_below(tmp_path / "cache"))
    assert not any("verified" in name for name in files_below(tmp_path / "cache"))


def test_a_damaged_file_in_the_cache_is_fetched_again(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    good = bundles["kafka"].files[0]
    planted = tmp_path / "cache" / "maven" / good.path
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"!" * good.size)
    ensure(cache=tmp_path / "cache", bundles=bundles)
    assert planted.read_bytes() == b"\0" * 1000
    planted.write_bytes(b"cut")
    ensure(cache=tmp_path / "cache", bundles=bundles)
    assert planted.read_bytes() == b"\0" * 1000


def test_a_download_that_breaks_off_leaves_nothing_and_is_one_clear_error(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.truncate = True
    pauses: list[float] = []
    monkeypatch.setattr(artifacts, "fetch", partial(download.fetch, pause=pauses.append))
    with pytest.raises(DownloadError, match="the download failed 3 times"):
        ensure(cache=tmp_path / "cache", bundles=bundles)
    assert len(pauses) >= 2
    assert files_below(tmp_path / "cache") == {"lock"}


def test_no_network_is_one_clear_error(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.server.shutdown()
    repository.server.server_close()
    monkeypatch.setattr(artifacts, "fetch", partial(download.fetch, pause=lambda seconds: None))
    with pytest.raises(DownloadError, match="is there a network") as caught:
        ensure(cache=tmp_path / "cache", bundles=bundles)
    assert "run the command again" in (caught.value.do or "")


def test_a_file_the_repository_lacks_is_named(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    missing = bundles["kafka"].files[3]
    (repository.folder / missing.path).unlink()
    with pytest.raises(DownloadError, match="does not have the file") as caught:
        ensure(cache=tmp_path / "cache", bundles=bundles)
    assert caught.value.where == "org.example:part3:1.0"


def test_too_little_room_is_told_before_anything_is_fetched(
    repository: Repository, bundles: dict[str, Bundle], tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match=r"no space left on the disk: 0 MB needed, 0 MB free") as caught:
        ensure(cache=tmp_path / "cache", bundles=bundles, free_space=lambda folder: 17)
    assert "INFRA_CACHE" in (caught.value.do or "")
    assert repository.requests == []


def test_a_disk_that_fills_up_meanwhile_is_told(
    bundles: dict[str, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_fetch_once", full)
    with pytest.raises(DownloadError, match="no space left on the disk"):
        ensure(cache=tmp_path / "cache", bundles=bundles)
    assert files_below(tmp_path / "cache") == {"lock"}


def test_an_archive_that_climbs_out_of_its_folder_is_refused(repository: Repository, tmp_path: Path) -> None:
    app = repository.add("io.example:app:2.0:tar.gz:all", archive(("quarkus-run.jar", "../../../climbed")))
    bundles = {"kafka": Bundle("kafka", (), ()), "registry": Bundle("registry", (), (app,))}
    with pytest.raises(DownloadError, match="archive is damaged"):
        ensure(cache=tmp_path / "cache", bundles=bundles)
    assert list(tmp_path.rglob("climbed")) == []
    assert not any(path.is_dir() for path in (tmp_path / "cache" / "apps").iterdir())


def test_a_cache_that_cannot_be_made_is_one_clear_error(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot write to the cache"):
        ensure(cache=tmp_path / "file" / "cache", bundles=bundles)


def test_the_committed_pins_are_whole_and_name_no_host() -> None:
    bundles = load_lock()
    assert {name: bundle.roots for name, bundle in bundles.items()} == artifacts.ROOTS
    for bundle in bundles.values():
        assert len({file.path for file in bundle.files}) == len(bundle.files)
        assert {root.removesuffix(":jar") for root in bundle.roots} <= {file.coordinate for file in bundle.files}
        for file in bundle.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 0
    text = artifacts.LOCK_FILE.read_text()
    assert "http" not in json.dumps([*json.loads(text)])
    assert "://" not in text
    assert artifacts.dump_lock(bundles.values()) == text
