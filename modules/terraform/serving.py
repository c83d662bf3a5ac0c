"""Has a stack's state served to Terraform for a run that changes much (`state_server.py`), and takes that back.

Terraform has to be told of it as of a backend, and `terraform init` would carry the state over from the file to the
store, which here are the same, and empty the file afterwards. So it is never run here with that backend: what it notes
about one (`.terraform/terraform.tfstate`, no state but a record) is made in a folder with nothing in it, and the record
of the file is kept beside for when there is little to do again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.errors import PlanError
from modules.terraform.failures import terraform_failure
from modules.terraform.files import private_folder, write_private
from modules.terraform.import_ids import can_be_found_again
from modules.terraform.runner import Runner
from modules.terraform.source import declared
from modules.terraform.state import State

__all__ = ["FILE_BACKEND", "SERVED_FROM", "put_back", "serve", "worth_it"]

SERVED_FROM = 300
"""So many creations and deletions; below, writing the state after each costs less than a second in all."""

FILE_BACKEND = {"local": {"path": "terraform.tfstate"}}
_OVERRIDE = "infra_override.tf.json"
_SERVED: dict[str, Any] = {"http": {}}
"""`child.py` looks for this, as `json.dumps` writes it."""
_RECORD = Path(".terraform") / "terraform.tfstate"
_RECORD_OF_FILE = Path(".terraform") / "infra-record-of-file.json"
_EMPTY = Path(".terraform") / "infra-served"


def worth_it(document: Mapping[str, Any], state: State | None, *, destroy: bool) -> bool:
    """Whether a run makes or takes away so much that writing the state would take most of its time.

    Only where a killed run's work can be found again: the state may know nothing of it.
    """
    if sys.platform == "win32":
        return False  # the store needs record locks and a process that starts anew in its place
    held = set(state.addresses if state else ())
    if destroy:
        return len(held) >= SERVED_FROM
    there = {item.address: item.type for item in declared(document)}
    new = there.keys() - held
    many = len(new) + len(held - there.keys()) >= SERVED_FROM
    return many and all(can_be_found_again(there[address]) for address in new)


def serve(folder: Path, runner: Runner, *, anew: bool = False) -> None:
    """From the next command on; for a folder that is initialised and whose state is a file.

    Args:
        anew: what Terraform notes is asked of it again; another version of it may note something else.

    Raises:
        TerraformError: Terraform cannot be told.
        OSError: a file cannot be written.
    """
    record = folder / _RECORD
    if not record.is_file():
        return  # another kind of Terraform; it goes on with the file
    if anew:
        (folder / _EMPTY / _RECORD).unlink(missing_ok=True)
    write_private(folder / _RECORD_OF_FILE, record.read_bytes())
    write_private(record, _record(folder / _EMPTY, runner))
    _name(folder / _OVERRIDE, _SERVED)


def put_back(folder: Path) -> None:
    """It is a file again; nothing to do where it was not served.

    Raises:
        OSError: a file cannot be written.
    """
    record = folder / _RECORD_OF_FILE
    if record.is_file():
        _name(folder / _OVERRIDE, FILE_BACKEND)
        record.replace(folder / _RECORD)


def _name(override: Path, backend: Mapping[str, Any]) -> None:
    document = json.loads(override.read_bytes())
    document["terraform"]["backend"] = backend
    write_private(override, json.dumps(document).encode() + b"\n")


def _record(empty: Path, runner: Runner) -> bytes:
    content = json.dumps({"terraform": {"backend": _SERVED}}).encode() + b"\n"
    write_private(private_folder(empty) / _OVERRIDE, content)
    write_private(empty / "main.tf.json", b"{}\n")
    if not (empty / _RECORD).is_file():
        ran = runner.capture(["init", "-input=false", "-no-color"], empty)
        if ran.code:
            raise terraform_failure((), stack=empty.parents[1].name, folder=empty, phase="init", output=ran.messages)
    try:
        return (empty / _RECORD).read_bytes()
    except FileNotFoundError:
        raise PlanError("Terraform noted no backend", where=str(empty), do="run the command again") from None
