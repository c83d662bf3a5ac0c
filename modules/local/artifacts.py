"""The Java programs of the local platform: which files, pinned by version and SHA-256, and where they are cached.

`artifacts.lock.json` lists every file, so that nothing is resolved on a user's machine: a filled cache needs no network
at all. `python -m modules.local.artifacts --pin` resolves the roots again and rewrites the list. The cache is shaped
like a Maven repository (`<cache>/maven`), so it can be filled beforehand by copying.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.errors import DownloadError
from modules.local.download import Pinned, context, disk_full, fetch, sha256_of, verify
from modules.local.locks import file_lock
from modules.project import cache_dir

__all__ = ["CDC", "CONNECT", "CORE", "Artifacts", "Bundle", "chosen", "ensure", "is_complete", "load_lock", "pin"]

LOCK_FILE = Path(__file__).with_name("artifacts.lock.json")
ROOTS: dict[str, tuple[str, ...]] = {
    # Kafka logs through slf4j 1.7; the simple binding starts fastest.
    "kafka": ("org.apache.kafka:kafka_2.13:4.3.0", "org.slf4j:slf4j-simple:1.7.36"),
    "registry": ("io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all",),
    "connect": ("org.apache.kafka:connect-runtime:4.3.0", "org.slf4j:slf4j-simple:1.7.36"),
    # With its packaging named a root stands alone: this jar holds all it needs.
    "snowflake-connector": ("com.snowflake:snowflake-kafka-connector:2.5.0:jar",),
    "debezium": ("io.debezium:debezium-connector-postgres:3.6.0.Final:tar.gz:plugin",),
}
CORE = ("kafka", "registry")
"""What every local platform needs; the others are fetched when they are asked for."""
CONNECT = ("connect", "snowflake-connector")
CDC = (*CONNECT, "debezium")
ARCHIVES = {"registry": "quarkus-run.jar", "debezium": "debezium-connector-postgres"}
"""Bundles that are one archive to be unpacked, and what an unpacked one must hold."""
EXTRACTED_FACTOR = 1.15
"""How much more room an unpacked archive takes than the archive."""
PARALLEL = 12

BytesProgress = Callable[[int, int], None]
"""Bytes done, bytes in all."""


@dataclass(frozen=True)
class Bundle:
    """One program's files; `files` is the whole closure, in class path order."""

    name: str
    roots: tuple[str, ...]
    files: tuple[Pinned, ...]

    @property
    def fingerprint(self) -> str:
        """Changes when any file of the bundle does."""
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Artifacts:
    """Where the programs are."""

    kafka_classpath: tuple[Path, ...]
    registry_home: Path
    """Folder with `quarkus-run.jar`."""
    connect_classpath: tuple[Path, ...] = ()
    """Empty unless asked for; the connectors are None then."""
    snowflake_connector: Path | None = None
    """The connector's jar."""
    debezium_home: Path | None = None
    """Folder with `debezium-connector-postgres`."""


def load_lock(path: Path = LOCK_FILE) -> dict[str, Bundle]:
    """The committed pins."""
    document = json.loads(path.read_text())
    return {
        name: Bundle(name, tuple(entry["roots"]), tuple(Pinned(**file) for file in entry["files"]))
        for name, entry in document.items()
    }


def chosen(names: Iterable[str] = CORE) -> dict[str, Bundle]:
    """The named bundles of the committed pins, those of every platform with them."""
    bundles = load_lock()
    return {name: bundles[name] for name in dict.fromkeys((*CORE, *names))}


def ensure(
    progress: BytesProgress | None = None,
    *,
    names: Iterable[str] = CORE,
    cache: Path | None = None,
    bundles: dict[str, Bundle] | None = None,
    free_space: Callable[[Path], int] | None = None,
) -> Artifacts:
    """Everything in the cache, fetched where missing; no network is touched when nothing is.

    Raises:
        DownloadError: no network, no room, a wrong checksum; nothing half-written stays behind.
    """
    root = cache or cache_dir()
    wanted = bundles or chosen(names)
    if not is_complete(root, wanted):
        try:
            root.mkdir(parents=True, exist_ok=True)
            with file_lock(root / "lock", "another `infra` is filling the cache", seconds=1800):
                _fill(root, wanted, progress or (lambda done, total: None), free_space or _free_space)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise disk_full(root) from None
            raise DownloadError(
                f"cannot write to the cache: {error.strerror or error}",
                where=str(root),
                do="make the folder writable with room for 700 MB, or set INFRA_CACHE to another one",
            ) from None
    return Artifacts(
        kafka_classpath=_paths(root, wanted, "kafka"),
        registry_home=_home(root, wanted["registry"]),
        connect_classpath=_paths(root, wanted, "connect"),
        snowflake_connector=next(iter(_paths(root, wanted, "snowflake-connector")), None),
        debezium_home=_home(root, wanted["debezium"]) if "debezium" in wanted else None,
    )


def is_complete(root: Path, bundles: dict[str, Bundle]) -> bool:
    """True when all files were verified once and still have their size, and archives are unpacked."""
    return all(
        _marker(root, bundle).exists() and not any(_missing(root, file) for file in bundle.files)
        for bundle in bundles.values()
    ) and not _packed(root, bundles)


def damaged(root: Path, bundles: dict[str, Bundle]) -> list[str]:
    """Coordinates of cached files whose SHA-256 is not the pinned one (reads every byte; for `infra doctor`)."""
    return [
        file.coordinate
        for bundle in bundles.values()
        for file in bundle.files
        if (path := root / "maven" / file.path).exists() and sha256_of(path) != file.sha256
    ]


def _fill(root: Path, bundles: dict[str, Bundle], progress: BytesProgress, free_space: Callable[[Path], int]) -> None:
    repository = root / "maven"
    files = [file for bundle in bundles.values() for file in bundle.files]
    for file in files:
        # Put there by hand or by an interrupted run: trusted only after a look; a wrong one is fetched again.
        if not _missing(root, file) and not all(_marker(root, bundle).exists() for bundle in bundles.values()):
            with contextlib.suppress(DownloadError):
                verify(repository / file.path, file)
    missing = [file for file in files if _missing(root, file)]
    packed = _packed(root, bundles)
    unpacked_size = sum(file.size for bundle in packed for file in bundle.files) * EXTRACTED_FACTOR
    needed = int(sum(file.size for file in missing) + unpacked_size)
    free = free_space(root)
    if free < needed:
        raise disk_full(root, needed, free)
    _fetch_all(missing, repository, progress)
    for bundle in packed:
        _unpack(repository / bundle.files[0].path, _home(root, bundle), ARCHIVES[bundle.name])
    for bundle in bundles.values():
        _marker(root, bundle).write_text("")


def _fetch_all(files: list[Pinned], repository: Path, progress: BytesProgress) -> None:
    """Fetch in parallel, the largest first; the first failure stops the rest."""
    total, done = sum(file.size for file in files), 0
    cancelled, counting = threading.Event(), threading.Lock()

    def on_bytes(amount: int) -> None:
        nonlocal done
        with counting:
            done += amount
            progress(done, total)

    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="download") as pool:
        largest_first = sorted(files, key=lambda file: -file.size)
        running = [pool.submit(fetch, file, repository, on_bytes, cancelled) for file in largest_first]
        try:
            for future in as_completed(running):
                future.result()
        except BaseException:
            cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _unpack(archive: Path, target: Path, content: str) -> None:
    """Unpack beside the target and rename, so that the folder is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=target.parent))
    try:
        with tarfile.open(archive) as tar:
            # The filter refuses absolute names, `..`, links that leave the folder and devices.
            tar.extractall(staging, filter="data")
        if not (staging / content).exists():
            raise DownloadError(f"an archive has no {content}", where=str(archive), do="report this")
        staging.rename(target)
    except (tarfile.TarError, EOFError) as error:
        raise DownloadError(
            f"an archive is damaged ({error})", where=str(archive), do="delete it and run again"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _missing(root: Path, file: Pinned) -> bool:
    try:
        return (root / "maven" / file.path).stat().st_size != file.size
    except OSError:
        return True


def _marker(root: Path, bundle: Bundle) -> Path:
    return root / f"verified-{bundle.name}-{bundle.fingerprint}"


def _paths(root: Path, bundles: dict[str, Bundle], name: str) -> tuple[Path, ...]:
    return tuple(root / "maven" / file.path for file in bundles[name].files) if name in bundles else ()


def _packed(root: Path, bundles: dict[str, Bundle]) -> list[Bundle]:
    """Archives that are not unpacked yet."""
    return [bundle for name, bundle in bundles.items() if name in ARCHIVES and not _home(root, bundle).is_dir()]


def _home(root: Path, bundle: Bundle) -> Path:
    _group, artifact, version, *_ = bundle.files[0].parts
    return root / "apps" / f"{artifact}-{version}-{bundle.fingerprint}"


def _free_space(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def pin(work: Path, wanted: Mapping[str, tuple[str, ...]] = ROOTS) -> dict[str, Bundle]:
    """Resolve the roots with their dependencies, fetch all files into `work` and read their checksums."""
    maven = context(work)
    bundles = {}
    for name, roots in wanted.items():
        artifacts = [_artifact(maven, root) for root in roots]
        jars = [maven.create_dependency(root) for root in roots if root.count(":") == 2]
        if jars:
            artifacts += [dependency.artifact for dependency in maven.resolver.resolve(jars)[1]]
        with ThreadPoolExecutor(PARALLEL) as pool:
            paths = list(pool.map(lambda artifact: Path(artifact.resolve()), artifacts))
        files = tuple(_pinned(artifact, path) for artifact, path in zip(artifacts, paths, strict=True))
        bundles[name] = Bundle(name, roots, files)
    return bundles


def _artifact(maven: Any, coordinate: str) -> Any:
    # jgo's own parser takes the `tar.gz` of a long coordinate for its classifier.
    group, name, version, packaging, classifier = Pinned(coordinate, "", 0).parts
    return maven.project(group, name).at_version(version).artifact(classifier, packaging)


def _pinned(artifact: Any, path: Path) -> Pinned:
    group, name, version, classifier, packaging = artifact.key
    parts = [group, name, version]
    if packaging != "jar" or classifier:
        parts.append(packaging)
    if classifier:
        parts.append(classifier)
    return Pinned(":".join(parts), sha256_of(path), path.stat().st_size)


def dump_lock(bundles: Iterable[Bundle]) -> str:
    """The lock file's text."""
    document = {
        bundle.name: {
            "roots": list(bundle.roots),
            "files": [{"coordinate": f.coordinate, "sha256": f.sha256, "size": f.size} for f in bundle.files],
        }
        for bundle in bundles
    }
    return json.dumps(document, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    """`--pin` rewrites the lock file."""
    if arguments != ["--pin"]:
        sys.stderr.write("usage: python -m modules.local.artifacts --pin\n")
        return 1
    with tempfile.TemporaryDirectory() as work:
        LOCK_FILE.write_text(dump_lock(pin(Path(work)).values()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
