"""The Snowflake stand-in as a service; the stand-in itself is `modules/local/standin`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import modules
from modules.local.credentials import ADMIN_PUBLIC_KEY
from modules.local.endpoints import secret_file
from modules.local.registry import answers
from modules.local.supervisor import Service
from modules.project import Project

__all__ = ["ADMIN_USER", "python_command", "python_environment", "snowflake_check", "snowflake_service"]

NAME = "snowflake"
ADMIN_USER = "INFRA_ADMIN"


def python_command(*arguments: str) -> tuple[str, ...]:
    """This interpreter, not looking for modules in the working directory."""
    return (sys.executable, "-P", *arguments)


def python_environment() -> dict[str, str]:
    """Lets a child import this package also when it is run from a checkout without being installed."""
    home = str(Path(modules.__path__[0]).parent)
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": f"{home}{os.pathsep}{before}" if before else home, "PYTHONUNBUFFERED": "1"}


def snowflake_service(project: Project, port: int) -> Service:
    """The service; its data is `data/snowflake` in the platform's folder."""
    data = project.local / "data" / "snowflake"
    data.mkdir(parents=True, exist_ok=True)
    command = python_command(
        "-m", "modules.local.standin",
        "--data", str(data),
        "--port", str(port),
        "--admin-user", ADMIN_USER,
        "--admin-public-key", str(secret_file(project, ADMIN_PUBLIC_KEY)),
    )  # fmt: skip
    return Service(
        name=NAME,
        command=command,
        healthy=snowflake_check(port),
        ports=(port,),
        cwd=project.local,
        environment=python_environment(),
    )


def snowflake_check(port: int) -> Callable[[], bool]:
    """A check that asks the stand-in whether it is ready."""
    return lambda: answers(port, "/health")
