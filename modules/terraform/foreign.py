"""States that another tool wrote, told by what is in them, before Terraform would take them for broken or for empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modules.errors import TerraformError

__all__ = ["refuse_foreign"]


def refuse_foreign(document: Mapping[str, Any], place: str, kind: type[TerraformError]) -> None:
    """Stops where a state's JSON is none of Terraform's format 4.

    Raises:
        TerraformError (of `kind`): says which tool's it is, as far as it can be told.
    """
    if "encrypted_data" in document:
        raise kind(
            "the state is encrypted by OpenTofu, which infra cannot read", where=place,
            do="turn state encryption off for this folder",
        )  # fmt: skip
    if "checkpoint" in document or "deployment" in document:
        raise kind(
            "this is a state of Pulumi, not of Terraform", where=place,
            do="move it away; what it holds is taken over by `infra import`, object by object",
        )  # fmt: skip
    if "modules" in document and document.get("version") in (1, 2, 3):
        raise kind(
            f"this state has format {document['version']}, of a Terraform before 0.12", where=place,
            do="upgrade it first: run `terraform apply` of 0.13 on it (`state replace-provider` where it asks for it)",
        )  # fmt: skip
    if "planned_values" in document or "format_version" in document:
        raise kind(
            "this is what `terraform show -json` prints, not a state", where=place,
            do="put the state itself there (`terraform state pull`)",
        )  # fmt: skip
    if "serial" not in document or "version" not in document:
        keys = ", ".join(sorted(str(key) for key in document)[:6]) or "nothing"
        raise kind(
            "this is no state of Terraform", where=place,
            do="move it away, and put the real one back with `infra state restore` if there was one",
            details=[f"what is in it: {keys}"],
        )  # fmt: skip
