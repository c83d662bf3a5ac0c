"""The sink as a supervised service beside the local platform: `infra sink --env E`, detached."""

from __future__ import annotations

from collections.abc import Sequence

from modules.errors import LocalError
from modules.local import supervisor
from modules.local.common import SINK, Event, Progress, locked, silent
from modules.local.endpoints import load_endpoints
from modules.local.snowflake import python_command, python_environment
from modules.local.status import ServiceStatus, service_status, sink_ready_file
from modules.project import Project

__all__ = ["start_sink", "stop_sink"]

START_SECONDS = 60
STOP_SECONDS = 30
"""A sink that is asked to stop first commits what it holds."""


def start_sink(
    project: Project, environment_name: str, progress: Progress = silent, *, topics: Sequence[str] = ()
) -> ServiceStatus:
    """Start the environment's sink and return once it consumes; one that runs for it already is left alone.

    Args:
        topics: those it carries; one that runs for others is started anew.

    Raises:
        LocalError: the local platform is not up, or the sink does not get ready; with its last log lines.
    """
    load_endpoints(project)
    with locked(project):
        owner = project.local / "run" / "sink.environment"
        whose = "\n".join([environment_name, *topics])
        ready = sink_ready_file(project)
        if supervisor.find(project.local, SINK) is not None:
            if ready.exists() and owner.exists() and owner.read_text() == whose:
                progress(Event(SINK, "running"))
                return service_status(project, SINK)
            supervisor.stop(project.local, SINK, STOP_SECONDS)
        supervisor.kill_leftovers(project.local, [SINK])
        ready.unlink(missing_ok=True)
        owner.parent.mkdir(parents=True, exist_ok=True)
        owner.write_text(whose)
        progress(Event(SINK, "starting"))
        try:
            supervisor.start(project.local, _service(project, environment_name))
        except LocalError:
            progress(Event(SINK, "failed"))
            raise
        progress(Event(SINK, "ready"))
        return service_status(project, SINK)


def stop_sink(project: Project) -> bool:
    """Stop the sink; True when it was running."""
    if not project.local.is_dir():
        return False
    with locked(project):
        return supervisor.stop(project.local, SINK, STOP_SECONDS)


def _service(project: Project, environment_name: str) -> supervisor.Service:
    ready = sink_ready_file(project)
    program = "import sys; from cli.main import main; sys.exit(main())"
    command = python_command(
        "-c", program, "--plain", "sink", "--env", environment_name, "--ready-file", str(ready)
    )  # fmt: skip
    return supervisor.Service(
        name=SINK,
        command=command,
        healthy=ready.exists,
        cwd=project.root,
        environment=python_environment(),
        start_seconds=START_SECONDS,
        stop_seconds=STOP_SECONDS,
    )
