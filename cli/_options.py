"""Options that several commands share, spelled once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["EnvOption", "JsonOption", "YesOption"]

EnvOption = Annotated[
    str, typer.Option("--env", "-e", envvar="INFRA_ENV", help="The environment: a file in environments/.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
