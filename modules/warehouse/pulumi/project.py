"""Writes a Pulumi project that declares one environment's estate; it holds no secret and only a relative path."""

from __future__ import annotations

import os
import re
from pathlib import Path

from modules.environment.model import Environment
from modules.errors import ConfigError
from modules.project import Project

__all__ = ["write_project"]

_MARK = "Written by `infra warehouse pulumi`"


def write_project(environment: Environment, project: Project, out: Path) -> list[Path]:
    """Pulumi.yaml, __main__.py and requirements.txt in `out`; files of an earlier run are written anew.

    Raises:
        ConfigError: a file is there that is not of an earlier run, or cannot be written.
    """
    files = {
        "Pulumi.yaml": _pulumi_yaml(environment),
        "__main__.py": _main(environment, project, out),
        "requirements.txt": _requirements(),
    }
    for name in files:
        there = out / name
        if there.exists() and _MARK not in there.read_text(errors="replace"):
            raise ConfigError(
                f"{name} is there already and was not written by infra",
                where=str(there),
                do="name another folder with --out, or move the file away",
            )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (out / name).write_text(text)
    except OSError as error:
        raise ConfigError(
            f"the Pulumi project cannot be written: {error.strerror or error}",
            where=str(out),
            do="check the folder's rights, or name another with --out",
        ) from None
    return [out / name for name in files]


def _pulumi_yaml(environment: Environment) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{environment.project}-{environment.name}-warehouse")
    return f"""\
# {_MARK} --env {environment.name}; run it again after an update of infra.
name: {name}
description: The Snowflake estate of the environment {environment.name}.
runtime: python
"""


def _main(environment: Environment, project: Project, out: Path) -> str:
    root = Path(os.path.relpath(project.root.resolve(), out.resolve())).as_posix()
    return f'''\
"""The Snowflake estate of the environment {environment.name}, as `{environment.source}` says it.

{_MARK} --env {environment.name}. Nothing of the estate is in here: the
YAML is read when Pulumi runs. So are secrets, from the references the YAML has; the administrator's key is in no file.
"""

from pathlib import Path

from modules.warehouse.pulumi.run import declare_environment

PROJECT = Path(__file__).parent / {root!r}

declare_environment({environment.name!r}, PROJECT)
'''


def _requirements() -> str:
    return f"""\
# {_MARK}; infra itself is installed from its own checkout: pip install -e CHECKOUT
pulumi>=3,<4
pulumi-snowflake>=2.20,<2.21
"""
