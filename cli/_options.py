"""Options that several commands share, spelled once."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["AllowDestroyOption", "EnvOption", "JsonOption", "OfflineOption", "YesOption"]

EnvOption = Annotated[
    str, typer.Option("--env", "-e", envvar="INFRA_ENV", help="The environment: a file in environments/.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
OfflineOption = Annotated[
    bool,
    typer.Option("--offline", help="Rehearse with simulated providers: no account, credential or network is needed."),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AllowDestroyOption = Annotated[
    list[str] | None,
    typer.Option("--allow-destroy", metavar="ADDRESS", help="What holds data and may go; may be repeated."),
]
