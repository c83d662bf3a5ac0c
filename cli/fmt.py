"""`infra fmt`: the YAML files' line ends and white space. Exit 1 with --check: a file would be changed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli._options import JsonOption
from cli._output import note, print_json
from modules.errors import ConfigError

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(epilog="Examples:  infra fmt  ·  infra fmt --check  ·  infra fmt --check --json")
def fmt(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 when a file would be changed.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Tidy the YAML files below environments/: line ends, white space, the file's end. Comments and keys stay."""
    from modules.environment.tidy import tidy, yaml_files
    from modules.project import find_project

    project = find_project()
    texts: dict[str, tuple[Any, str]] = {}
    files = yaml_files(project)
    for file in files:
        shown = file.relative_to(project.root).as_posix()
        try:
            text = file.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise ConfigError(f"cannot be read: {reason}", where=shown, do="save it as UTF-8") from None
        tidied = tidy(text, shown)
        if tidied != text:
            texts[shown] = (file, tidied)
    if not check:
        for file, tidied in texts.values():
            file.write_bytes(tidied.encode("utf-8"))
    if json:
        print_json({"version": 1, "files": len(files), "changed": [] if check else [*texts], "untidy": [*texts]})
    if check and texts:
        many = "a file is" if len(texts) == 1 else f"{len(texts)} files are"
        raise ConfigError(f"{many} not tidy", details=[*texts], do="run `infra fmt` and commit what it changes")
    for shown in [] if json else texts:
        note(f"tidied: {shown}")
    if not texts:
        note(f"{len(files)} files are tidy")
