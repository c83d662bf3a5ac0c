"""Provider plugins of a named environment: stacks, lock and mirror agree. `infra providers check` says more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from modules.doctor.patient import Patient
from modules.findings import Finding

__all__ = ["providers"]


def providers(patient: Patient) -> Iterator[Finding]:
    """One finding where all is well, else each that is not."""
    from modules.providers.check import check_providers
    from modules.providers.needed import needed_by
    from modules.terraform.lockfile import lock_path, read_lock

    environment = patient.load()
    if environment is None or not patient.stacks:
        return
    named = os.environ.get("INFRA_PLUGIN_DIR")
    if named and not Path(named).is_dir():
        do = "name a filesystem mirror (`infra providers mirror DIR` fills one), or unset it"
        yield Finding("providers", "fail", f"INFRA_PLUGIN_DIR: {named} is not a folder", do)
        return
    official = (environment.terraform.providers or ("bundled" if environment.platform == "local" else "official")) == (
        "official"
    )
    path = lock_path(patient.project.environments, environment.name)
    needed = needed_by(patient.stacks)
    found = list(
        check_providers(
            needed, read_lock(path), path.relative_to(patient.project.root).as_posix(), environment=environment.name,
            official=official, mirror=Path(named) if named else None,
        )
    )  # fmt: skip
    wrong = [each for each in found if each.state != "ok"]
    if official and not path.is_file():
        # One thing to do, not one for each provider.
        wrong = [each for each in wrong if each.check != "lock"]
        do = (
            f"`infra providers lock --env {environment.name} --platform linux_amd64 --platform darwin_arm64`; commit it"
        )
        text = f"{len(needed)} plugins are not locked: whatever the registry gives out is installed"
        yield Finding("providers", "warn", text, do)
    yield from (Finding("providers", each.state, each.text, each.do, each.details) for each in wrong)
    if wrong or (official and not path.is_file()):
        return
    whence = f"from {named}" if named else ("from the registry" if official else "that come along")
    yield Finding("providers", "ok", f"{len(needed)} plugins {whence}, as the stacks and classes want them")
