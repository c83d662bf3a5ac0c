"""A stack's working folder, `.infra/env/<environment>/<stack>/`: configuration, inputs, plugins, state, backups.

Everything in it is 0600/0700: state and inputs may hold secrets. Files are written only when they change and never
half, so that an interrupted run leaves a folder the next one can use.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modules.errors import ApplyError, PlanError, SynthError, TerraformError
from modules.terraform.command import TerraformCommand
from modules.terraform.events import Event
from modules.terraform.failures import from_os, need_space, terraform_failure
from modules.terraform.files import private_folder, write_private
from modules.terraform.own_locks import clear_own, forget_own, note_own
from modules.terraform.providers import ProviderInstallation
from modules.terraform.runner import Runner
from modules.terraform.s3 import S3Backend
from modules.terraform.serving import FILE_BACKEND, put_back
from modules.terraform.snapshots import mounted, state_bytes
from modules.terraform.source import StackSource, declared, read_document
from modules.terraform.state import OutputValue, State, new_simulated_state, read_state

__all__ = ["WorkingFolder", "keep_backup"]

_IMPORTS = "infra_import.tf.json"
BACKUPS_KEPT = 10
SPACE_BYTES = 20_000_000
"""Free space without which nothing is begun."""


@dataclass(frozen=True)
class WorkingFolder:
    """One stack's folder."""

    path: Path
    source: StackSource
    simulated: bool = False
    """A rehearsal's: its state is marked, and one without the mark is refused."""

    @property
    def state_file(self) -> Path:
        """The state; with a store (`snapshots.py`) only its name, to be read with `state_bytes`."""
        return self.path / "terraform.tfstate"

    @property
    def store(self) -> S3Backend | None:
        """Where the state is, if not in a file here; a rehearsal's always is."""
        store = None if self.simulated else mounted(self.path.parent)
        return store if isinstance(store, S3Backend) else None

    @property
    def plan_file(self) -> Path:
        return self.path / "plan.tfplan"

    def state(self, kind: type[TerraformError] | None = None) -> State | None:
        """The state; None when the stack was never applied."""
        return read_state(self.state_file, kind or PlanError, simulated=self.simulated)

    def document(self) -> dict[str, Any]:
        """The stack's synthesised JSON."""
        return read_document(self.source, self._content())

    def _content(self) -> bytes:
        try:
            return self.source.json_path.read_bytes()
        except OSError as error:
            raise SynthError(
                f"cannot read the synthesised JSON of stack {self.source.name}: {error.strerror}",
                where=str(self.source.json_path),
                do="run the command again",
            ) from None

    def prepare(self, inputs: Mapping[str, OutputValue], *, unprotected: bool = False) -> dict[str, Any]:
        """Write configuration and inputs; returns the parsed document.

        Sensitive inputs are not written: they travel in the environment (`secret_inputs`).

        Args:
            unprotected: lift `prevent_destroy`, for a rehearsal's destroy.

        Raises:
            PlanError: a rehearsal would run a program.
        """
        content = self._content()
        document = read_document(self.source, content)
        if self.simulated and (programs := [*_with_provisioner(document)]):
            raise PlanError(
                "an offline rehearsal runs no programs, but this resource has a provisioner",
                where=f"stack {self.source.name}, {programs[0]}",
                do="declare the provisioner only where `Project.offline` is false",
            )
        plain = {name: item.value for name, item in inputs.items() if not item.sensitive}
        try:
            private_folder(self.path)
            put_back(self.path)
            write_private(self.path / "cdk.tf.json", content)
            write_private(self.path / "infra_override.tf.json", self._override(document if unprotected else {}))
            if self.simulated and not (self.state_file.exists() and self.state_file.stat().st_size):
                write_private(self.state_file, new_simulated_state())
            self._keep_declared_imports(document)
            values = self.path / "infra.auto.tfvars.json"
            if plain:
                write_private(values, json.dumps(plain, indent=1, sort_keys=True).encode())
            else:
                values.unlink(missing_ok=True)
        except OSError as error:
            raise from_os(error, self.path) from None
        return document

    def _backend(self) -> dict[str, Any]:
        return self.store.block(self.source.name) if self.store else FILE_BACKEND

    def _override(self, unprotected: Mapping[str, Any]) -> bytes:
        """An override file replaces the backend that the synthesised JSON names, and leaves that byte for byte as it
        is; of what is in `unprotected` it lifts the protection."""
        return json.dumps({"terraform": {"backend": self._backend()}, **_lifted(unprotected)}).encode() + b"\n"

    def adopt(self, blocks: Mapping[str, str]) -> None:
        """Import these objects (address → id) with the next apply; until then every plan shows them.

        Raises:
            TerraformError: they cannot be written down.
        """
        body = [{"to": address, "id": identifier} for address, identifier in sorted(blocks.items())]
        file = self.path / _IMPORTS
        try:
            if body:
                private_folder(self.path)
                write_private(file, json.dumps({"import": body}, indent=1, ensure_ascii=False).encode())
            else:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise from_os(error, self.path) from None

    def adopting(self) -> dict[str, str]:
        """What waits to be imported, address → id."""
        try:
            body = json.loads((self.path / _IMPORTS).read_text())["import"]
            return {str(each["to"]): str(each["id"]) for each in body}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _keep_declared_imports(self, document: Mapping[str, Any]) -> None:
        """Forget imports of what is not declared any more, on which Terraform would stop."""
        waiting = self.adopting()
        if waiting:
            there = {item.address for item in declared(document)}
            self.adopt({address: identifier for address, identifier in waiting.items() if address in there})

    def initialise(
        self,
        runner: Runner,
        command: TerraformCommand,
        providers: ProviderInstallation,
        document: Mapping[str, Any],
        on_event: Callable[[Event], None],
        *,
        force: bool = False,
    ) -> bool:
        """`terraform init`, unless nothing it depends on has changed since the last one; True when it ran.

        Raises:
            PlanError: a provider plugin is missing, the disk is full.
        """
        record = self.path / ".terraform" / "infra-init"
        wanted = self._fingerprint(command, providers, document)
        if not force and record.is_file() and record.read_text() == wanted:
            return False
        record.unlink(missing_ok=True)
        if providers.kind != "official":
            # Plugins that are part of this program: an update changes their hashes, and that is no attack.
            (self.path / ".terraform.lock.hcl").unlink(missing_ok=True)
            shutil.rmtree(self.path / ".terraform" / "providers", ignore_errors=True)
        locked = providers.lock_into(self.path, document)
        with providers.initialising():
            # Never Terraform's own migration of a state: that is `infra state migrate`.
            result = runner.stream(["init", "-json", "-input=false", "-reconfigure", *locked], self.path, on_event)
            if result.code and not result.diagnostics and any("-json" in line for line in result.messages):
                # Terraform before 1.9 has no JSON form of init.
                plain = ["init", "-no-color", "-input=false", "-reconfigure", *locked]
                result = runner.stream(plain, self.path, on_event)
        if result.code:
            raise terraform_failure(
                result.diagnostics, stack=self.source.name, folder=self.path, phase="init", output=result.messages
            )
        try:
            write_private(private_folder(record.parent) / record.name, wanted.encode())
        except OSError as error:
            raise from_os(error, self.path) from None
        return True

    def _fingerprint(
        self, command: TerraformCommand, providers: ProviderInstallation, document: Mapping[str, Any]
    ) -> str:
        settings = document.get("terraform") or {}
        if isinstance(settings, list):
            settings = settings[0] if settings else {}
        parts = [
            settings.get("required_providers"),
            document.get("module"),
            sorted((document.get("provider") or {}).keys()),
            sorted({kind.split("_")[0] for block in ("resource", "data") for kind in document.get(block) or {}}),
            providers.cli_config(),
            providers.fingerprint(),
            command.prefix,
            *([self._backend()] if self.store else []),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def back_up(self) -> Path | None:
        """Copy the state before it is changed; the newest `BACKUPS_KEPT` stay. None when there is nothing to copy, or
        where a bucket keeps versions itself."""
        state = self.state(ApplyError)
        if state is None or (self.store and self.store.versioned(self.source.name)):
            return None
        return keep_backup(self.path, state_bytes(self.state_file), f"serial{state.serial}.tfstate", ApplyError)

    def check_space(self, kind: type[TerraformError]) -> None:
        """Room for the state, its copies, the plan and the log, several times over.

        Raises:
            TerraformError (of `kind`): there is not.
        """
        sizes = [self.source.json_path.stat().st_size] if self.source.json_path.exists() else []
        with contextlib.suppress(FileNotFoundError):
            sizes.append(len(state_bytes(self.state_file)) if self.store else self.state_file.stat().st_size)
        need_space(self.path, SPACE_BYTES + 8 * sum(sizes), kind)

    def recover(self, note: Callable[[str], None]) -> None:
        """Take over `errored.tfstate`: what an earlier Terraform did and could not write to its state (a full disk).

        Only where it follows the state that is there; otherwise both are left for a person to look at.
        """
        errored = self.path / "errored.tfstate"
        if not errored.is_file():
            return
        if not errored.stat().st_size:
            # The disk had no room for it either.
            errored.unlink()
            return
        saved, name = _identity(errored.read_bytes()), self.source.name
        try:
            held: bytes | None = state_bytes(self.state_file)
        except FileNotFoundError:
            held = None
        current = None if held is None else _identity(held)
        if saved is None:
            note(f"{name}: {errored} is unreadable; it is left where it is")
            return
        if current is not None and (current[0] != saved[0] or current[1] > saved[1]):
            note(f"{name}: {errored} does not follow the state; it is left where it is")
            return
        if self.store:
            with self.store.lock(name, "recovery"):
                self.store.write(name, errored.read_bytes(), self.store.fetch(name))
        else:
            if held is not None:
                keep_backup(self.path, held, "before-recovery.json", PlanError)
            write_private(self.state_file, errored.read_bytes())
        errored.unlink()
        note(f"{name}: took over what an earlier run did and could not write to its state (errored.tfstate)")

    def changed(self, note: Callable[[str], None], *, failed: bool) -> None:
        """After Terraform wrote to a store: what is known of the state is old, and what it could not write there is
        written now if that can be done again (credentials were renewed); else the next run does it."""
        if self.store is None:
            return
        self.store.forget([self.source.name])
        if not failed:
            forget_own(self.path)
            return
        with contextlib.suppress(TerraformError):
            clear_own(self.path, self.store, self.source.name, note)
            self.recover(note)

    def changing(self) -> None:
        """Terraform is changing resources now: its lock in a store is noted, so that it is known if it dies."""
        if self.store is not None:
            note_own(self.path, self.store, self.source.name)

    def plan_digest(self) -> str:
        """SHA-256 of the plan file; empty when there is none."""
        try:
            return hashlib.sha256(self.plan_file.read_bytes()).hexdigest()
        except OSError:
            return ""


def keep_backup(folder: Path, content: bytes, name: str, kind: type[TerraformError]) -> Path:
    """Leave a state in a working folder's `backups`, its name led by the time; the newest `BACKUPS_KEPT` stay.

    Raises:
        TerraformError (of `kind`): it cannot be written.
    """
    try:
        backups = private_folder(folder / "backups")
        copy = backups / f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%fZ')}-{name}"
        write_private(copy, content)
        for old in sorted(backups.glob("*.tfstate"))[:-BACKUPS_KEPT]:
            old.unlink()
    except OSError as error:
        raise from_os(error, folder, kind) from None
    return copy


def _lifted(document: Mapping[str, Any]) -> dict[str, Any]:
    """`prevent_destroy` off for everything that has it on."""
    protected = {
        kind: {name: {"lifecycle": {"prevent_destroy": False}} for name, body in named.items() if _protected(body)}
        for kind, named in (document.get("resource") or {}).items()
        if isinstance(named, dict)
    }
    lifted = {kind: named for kind, named in protected.items() if named}
    return {"resource": lifted} if lifted else {}


def _with_provisioner(document: Mapping[str, Any]) -> Iterable[str]:
    for kind, named in (document.get("resource") or {}).items():
        for name, body in named.items() if isinstance(named, dict) else ():
            if _block(body).get("provisioner"):
                yield f"{kind}.{name}"


def _block(body: Any) -> Mapping[str, Any]:
    one = body[0] if isinstance(body, list) and body else body
    return one if isinstance(one, dict) else {}


def _protected(body: Any) -> bool:
    lifecycle = _block(body).get("lifecycle")
    one = lifecycle[0] if isinstance(lifecycle, list) and lifecycle else lifecycle
    return isinstance(one, dict) and bool(one.get("prevent_destroy"))


def _identity(state: bytes) -> tuple[str, int] | None:
    """A state's lineage and serial number; None where it cannot be read."""
    try:
        document = json.loads(state)
        return str(document["lineage"]), int(document["serial"])
    except (ValueError, KeyError, TypeError):
        return None


def secret_inputs(inputs: Mapping[str, OutputValue]) -> dict[str, str]:
    """Sensitive inputs as Terraform reads them from TF_VAR_*: text as it is, the rest as JSON."""
    return {
        name: item.value if isinstance(item.value, str) else json.dumps(item.value)
        for name, item in inputs.items()
        if item.sensitive
    }


def inputs_digest(inputs: Mapping[str, OutputValue]) -> str:
    """Tells whether the inputs of a plan are still the same; a hash, so that no secret is kept."""
    values = {name: item.value for name, item in inputs.items()}
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
