"""Options about faults and brokers given by hand, refused before anything is connected to or broken."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.deploy import app as deploy
from cli.smoke import app
from modules.errors import ConfigError

runner = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--env", "prod", "--fault", "sink-kill"],
            "sink-kill is rehearsed on the local platform only; prod is on ",
        ),
        (["--env", "local", "--fault", "flood"], "there is no fault `flood`"),
        (["--env", "local", "--duration", "4s", "--fault", "sink-kill@9"], "the run measures for 4 s, so nothing can"),
        (["--bootstrap", "b:9092"], "which topic is to be measured?"),
        (["--bootstrap", "b", "--topic", "t"], "`b` is not HOST:PORT"),
        (["--bootstrap", "b:9092", "--topic", "t", "--client-config", "absent"], "cannot read absent: No such file"),
        (["--bootstrap", "b:9092", "--topic", "t", "--env", "local"], "--env and --bootstrap do not go together"),
        (["--bootstrap", "b:9092", "--topic", "t", "--fault", "sink-kill"], "--fault and --bootstrap do not go"),
        (["--env", "local", "--client-config", "x"], "--client-config goes with --bootstrap"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: list[str], words: str) -> None:
    done = runner.invoke(app, arguments)
    assert isinstance(done.exception, ConfigError), done.output
    assert words in str(done.exception)


def test_a_rehearsed_deploy_is_not_measured() -> None:
    done = runner.invoke(deploy, ["--env", "local", "--offline", "--smoke"])
    assert isinstance(done.exception, ConfigError)
    assert "a rehearsal has nothing to measure" in str(done.exception)
