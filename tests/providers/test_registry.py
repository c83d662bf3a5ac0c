"""Mirror, lock and check against a registry: real Terraform over https, its signatures and checksums checked."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.errors import PlanError, ServiceError
from modules.providers.lock import lock_providers
from modules.providers.mirror import fill_mirror
from modules.providers.needed import Needed
from modules.providers.packages import packages_in, this_system
from modules.providers.registry import versions_of
from modules.terraform.command import terraform_command
from modules.terraform.lockfile import read_lock
from tests.providers.registry import Registry, serving
from tests.providers.support import OTHER

HERE = this_system()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("INFRA_TERRAFORM", raising=False)
    with serving(tmp_path / "registry", ["1.2.0", "1.10.0"], [HERE, OTHER]) as found:
        monkeypatch.setenv("SSL_CERT_FILE", str(found.authority))
        yield found


def needed(registry: Registry, constraint: str = "1.2.0") -> Needed:
    return Needed(registry.address, constraint, ("cluster",))


def test_a_mirror_is_filled_from_the_registry_for_several_systems_and_then_serves_without_it(
    registry: Registry, tmp_path: Path
) -> None:
    told: list[str] = []
    target = tmp_path / "mirror"
    made = fill_mirror([needed(registry)], target, [HERE, OTHER], terraform_command(), on_progress=told.append)
    assert [(each.package.version, each.package.system, each.origin) for each in made] == [
        ("1.2.0", HERE, "registry"), ("1.2.0", OTHER, "registry"),
    ]  # fmt: skip
    assert any("asking the registry" in each for each in told)
    assert "/files/1.2.0/SHA256SUMS.sig" in registry.asked
    registry.asked.clear()
    lock = tmp_path / "dev.lock.hcl"
    lock_providers([needed(registry)], lock, [HERE, OTHER], terraform_command(), source=target)
    fill_mirror(
        [needed(registry)], tmp_path / "second", [HERE], terraform_command(), source=target, locks=read_lock(lock)
    )
    assert registry.asked == []
    assert {each.hash1() for each in packages_in(target)} <= set(read_lock(lock)[registry.address].hashes)


def test_a_lock_from_the_registry_has_its_signed_checksums_and_the_newest_that_fits(
    registry: Registry, tmp_path: Path
) -> None:
    lock = tmp_path / "dev.lock.hcl"
    (change,) = lock_providers([needed(registry, "~> 1.2")], lock, [HERE, OTHER], terraform_command())
    assert change.after == "1.10.0"
    hashes = read_lock(lock)[registry.address].hashes
    assert {each.partition(":")[0] for each in hashes} == {"h1", "zh"}
    made = fill_mirror(
        [needed(registry, "~> 1.2")], tmp_path / "mirror", [HERE], terraform_command(), locks=read_lock(lock)
    )
    assert made[0].package.version == "1.10.0"


def test_a_zip_that_was_changed_after_it_was_signed_is_not_taken(registry: Registry, tmp_path: Path) -> None:
    registry.tamper(HERE)
    with pytest.raises(PlanError, match=f"acme/widget for {HERE} could not be fetched") as caught:
        fill_mirror([needed(registry)], tmp_path / "mirror", [HERE], terraform_command())
    assert "checksum" in " ".join(caught.value.details) + caught.value.what
    assert packages_in(tmp_path / "mirror") == ()


def test_a_system_the_provider_is_not_made_for_is_told(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="could not be locked") as caught:
        lock_providers([needed(registry)], tmp_path / "dev.lock.hcl", ["solaris_amd64"], terraform_command())
    assert "solaris_amd64" in str(caught.value)
    assert not (tmp_path / "dev.lock.hcl").exists()


def test_the_registry_tells_its_versions_and_who_does_not_answer_is_told(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(versions_of(registry.address)) == ["1.2.0", "1.10.0"]
    with pytest.raises(ServiceError, match="HTTP 404"):
        versions_of(f"localhost:{registry.port}/acme/nothing")
    with pytest.raises(ServiceError, match=r"does not say which versions of acme/widget there are"):
        versions_of("localhost:1/acme/widget")
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ServiceError, match="CERTIFICATE_VERIFY_FAILED"):
        versions_of(registry.address)
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED
