"""Outside a project: what is said to somebody who has just installed `infra`."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.errors import ConfigError
from modules.project import find_project


def test_where_there_is_no_project_the_first_thing_offered_is_to_begin_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INFRA_PROJECT", raising=False)
    with pytest.raises(ConfigError, match="no `environments` folder") as caught:
        find_project(tmp_path)
    assert (caught.value.do or "").startswith("begin one with `infra init`")
