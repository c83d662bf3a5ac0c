"""The `infra` program: a table of commands, each loaded only when it is called.

A command is one file in this folder with a Typer app named `app`, and one line in `COMMANDS`. The table keeps the help
text, so that `infra --help` and completion import no command (and so no cdktf, Snowflake or Kafka).
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from cli._output import fail, set_plain
from modules.errors import InfraError

__all__ = ["COMMANDS", "main", "module_of"]

COMMANDS: dict[str, str] = {
    "init": "A new environment by a few questions, with what it would cost.",
    "plan": "Show what a deploy would change, stack by stack.",
    "deploy": "Plan, confirm, apply; or apply a reviewed plan.",
    "show": "Show a kept plan: what was reviewed, when, from what.",
    "destroy": "Take an environment down again, in reverse order.",
    "drift": "What was changed outside, is missing or nobody declared, and both ways back.",
    "state": "Where Terraform's states are: the bucket, moving them, earlier ones.",
    "unlock": "Who holds an environment's states, and a dead run's lock removed.",
    "output": "Print an environment's outputs.",
    "local": "The laptop platform: Kafka, Schema Registry and a Snowflake stand-in.",
    "produce": "Send realistic order events, checked against the Avro schema.",
    "sink": "Carry the topic's events into the warehouse.",
    "connect": "What connectors do, and starting them again.",
    "source": "Publish rows of a Snowflake table or stream to a topic.",
    "smoke": "Measure end-to-end latency against the SLOs.",
    "status": "How an environment is: lag, connectors, dead letters, freshness, ages.",
    "warehouse": "The Snowflake estate beside its deploys: as SQL or Pulumi, a key rotated.",
    "cost": "What an environment costs, and what it would cost elsewhere.",
    "platforms": "The decision table: what each platform costs here, lacks and asks of people.",
    "import": "Take what runs already into the YAML and Terraform's states.",
    "promote": "Carry one environment's pipeline over to another.",
    "guards": "What an environment is guarded against: how strictly, and what is waived until when.",
    "doctor": "Check this machine and an environment.",
    "providers": "Provider plugins: a mirror for closed networks, locks, versions.",
    "secrets": "An environment's secrets: what is referred to, and whether it is there.",
    "ci": "Workflows for GitHub and GitLab, and the AWS roles of their runners.",
    "fmt": "Tidy the environments' YAML files.",
    "validate": "Check every environment's YAML and schemas; nothing is reached.",
    "demo": "Everything at once: local platform, deploy, produce, query, smoke, cost.",
}

_MODULES = {"import": "adopt"}
"""Commands whose file has another name, since Python keeps theirs for itself."""

EPILOG = "Examples:  infra demo  ·  infra plan --env local  ·  infra cost compare  ·  infra smoke --env local"


def module_of(command: str) -> str:
    """The module that a command of the table is in."""
    return f"cli.{_MODULES.get(command, command)}"


class LazyGroup(TyperGroup):
    """Lists commands from `COMMANDS` and imports a command's module only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that carries the help text: enough for listings and completion."""
        help_text = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=help_text, short_help=help_text) if help_text else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was asked for, imported now."""
        name = args[0]
        if name not in COMMANDS:
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean `infra {close[0]}`?" if close else "see `infra --help` for the list"
            raise InfraError(f"there is no command `{name}`", do=hint)
        with _without_collections():
            module = importlib.import_module(module_of(name))
        command = typer.main.get_command(module.app)
        command.name = name
        return name, command, args[1:]


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Imports make a hundred thousand objects that all stay: looking for garbage among them takes a tenth of a second,
    now and at every later look."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


app = typer.Typer(
    cls=LazyGroup,
    name="infra",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
    help="Provision a streaming data platform; know what it changes, costs and how fast it is.",
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"infra {version('infra')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    plain: bool = typer.Option(False, "--plain", help="No colour and no live display, as when piped or in CI."),
) -> None:
    """Holds the options that come before the command."""
    if plain:
        set_plain()
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code; every foreseen error ends here as three plain lines."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # else every start reads what every package declares
    arguments = list(sys.argv[1:] if argv is None else argv)
    _leave_no_core()
    try:
        result = typer.main.get_command(app).main(args=arguments, prog_name="infra", standalone_mode=False)
    except InfraError as error:
        return fail(error)
    except (KeyboardInterrupt, typer.Abort):
        return fail(InfraError("interrupted", do="run the same command again to go on"), code=130)
    except typer.Exit as ended:
        return int(ended.exit_code)
    except TyperException as error:
        # Usage errors; not Typer's own exit code 2, with which `plan` says that there are changes.
        message = getattr(error, "format_message", error.__str__)()
        command = next((name for name in arguments[:1] if name in COMMANDS), "")
        return fail(InfraError(message, do=f"see `infra {command} --help`".replace("  ", " ")))
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        return _defect(arguments)
    return int(result or 0)


def _leave_no_core() -> None:
    """A core dump would hold every secret in memory: none of this process, nor of any that it starts.

    1 rather than 0: a kernel that hands cores to a program (`core_pattern` with a pipe) heeds no limit but this one,
    and into a file of one byte it writes nothing.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        limit = 0 if most == 0 or sys.platform != "linux" else 1
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def _defect(arguments: Sequence[str]) -> int:
    """Keeps an unforeseen error's traceback in a file (mode 0600), without secrets, and says where it is."""
    import tempfile
    import traceback

    from modules.redaction import redact_known

    with tempfile.NamedTemporaryFile("w", prefix="infra-", suffix=".log", delete=False) as log:
        log.write(f"infra {' '.join(arguments)}\n{redact_known(traceback.format_exc())}")
    kind = sys.exc_info()[0]
    return fail(
        InfraError(
            f"something unforeseen went wrong ({kind.__name__ if kind else 'error'}); this is a defect of infra",
            do=f"the same command can be run again; please report it with {log.name}",
        )
    )
