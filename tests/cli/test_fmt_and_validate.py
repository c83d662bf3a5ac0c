"""`infra fmt` and `infra validate`: what a pull request is held to before anything is planned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.main import main
from modules.environment.tidy import tidy
from modules.errors import ConfigError

ROOT = Path(__file__).parents[2]
UNTIDY = (
    b"\xef\xbb\xbf\n\nextends: base  \r\nplatform: local \r\n"
    b"tags:\r\n  note: |\r\n    a  \r\n\r\n    b\r\n# end  \r\n\r\n\r\n"
)
TIDY = "extends: base\nplatform: local\ntags:\n  note: |\n    a  \n\n    b\n# end\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "environments"


def test_line_ends_white_space_and_the_file_s_ends_are_tidied_and_texts_are_left_alone(folder: Path) -> None:
    file = folder / "scratch.yaml"
    file.write_bytes(UNTIDY)
    assert main(["fmt"]) == 0
    assert file.read_bytes().decode() == TIDY
    assert main(["fmt", "--check"]) == 0


def test_check_names_the_file_and_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "scratch.yaml"
    file.write_bytes(UNTIDY)
    assert main(["fmt", "--check"]) == 1
    said = capsys.readouterr().err
    assert "a file is not tidy" in said and "environments/scratch.yaml" in said and "run `infra fmt`" in said
    assert file.read_bytes() == UNTIDY
    assert main(["fmt", "--check", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["untidy"] == ["environments/scratch.yaml"]


def test_what_is_committed_here_is_tidy(folder: Path) -> None:
    assert main(["fmt", "--check"]) == 0


def test_what_is_not_yaml_is_said_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "scratch.yaml").write_text("extends: base\nplatform: 'local\n")
    assert main(["fmt"]) == 1
    assert "environments/scratch.yaml:3: it is not YAML" in capsys.readouterr().err
    (folder / "scratch.yaml").write_bytes(b"a: \xff\n")
    assert main(["fmt"]) == 1
    assert "environments/scratch.yaml: cannot be read: it is not UTF-8" in capsys.readouterr().err


LINES = st.lists(
    st.sampled_from(
        ["a: 1  ", "b: |", "  text  ", "", "  ", "c: >+", "  folded\t", "d: 'quoted", "  over lines  '", "# note  ",
         "e: [1, ", "  2]  ", "f: \"x  \\", "  y\"", "---", "g: {h: i}\r"]
    ),
    max_size=12,
)  # fmt: skip


@given(LINES)
@settings(max_examples=400, deadline=None)
def test_tidying_changes_no_value_and_a_second_time_nothing(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        before = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return
    tidied = tidy(text, "x.yaml")
    assert list(yaml.safe_load_all(tidied)) == before
    assert tidy(tidied, "x.yaml") == tidied


def test_tidying_what_is_not_yaml_is_an_error() -> None:
    with pytest.raises(ConfigError, match="it is not YAML"):
        tidy("a: 'b\n", "x.yaml")


def test_every_environment_is_read_and_all_that_is_wrong_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate"]) == 0
    assert "prod: valid (msk, 2 topics)" in capsys.readouterr().err
    for name in ("dev", "staging"):
        (folder / f"{name}.yaml").write_text("extends: base\nplatform: kafka\nbudget: {monthly: much}\n")
    assert main(["validate"]) == 1
    said = capsys.readouterr().err
    assert "dev, staging are not valid" in said
    for place in ("dev.yaml:2", "dev.yaml:3", "staging.yaml:2", "staging.yaml:3"):
        assert f"environments/{place}:" in said
    assert main(["validate", "--env", "prod", "--env", "dev", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(each["environment"], each["valid"]) for each in document["environments"]] == [
        ("prod", True),
        ("dev", False),
    ]
    assert main(["validate", "--env", "prod"]) == 0
