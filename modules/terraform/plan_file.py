"""Terraform's plan file from the outside: a zip, of which only the dependency lock is looked at here.

Terraform applies a plan only with the very lock it was made with. The lock of bundled and simulated plugins names
scripts that this program writes anew in every checkout, so a plan that moves to another one takes on that one's lock;
of official plugins it never does.
"""

from __future__ import annotations

import io
import zipfile

from modules.errors import PlanError

__all__ = ["LOCK_FILE", "with_lock"]

LOCK_FILE = ".terraform.lock.hcl"


def with_lock(plan_file: bytes, lock: bytes) -> bytes:
    """The plan file with another dependency lock; everything else of it byte for byte as it was.

    Raises:
        PlanError: it is no plan file.
    """
    made = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(plan_file)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
            for entry in old.infolist():
                new.writestr(entry, lock if entry.filename == LOCK_FILE else old.read(entry))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise PlanError("this is no plan file of Terraform", do="plan again") from None
    return made.getvalue()
