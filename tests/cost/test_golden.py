"""Golden files: for each folder of testdata, `env.yaml` and the whole of what a person sees for it.

`UPDATE_GOLDEN=1 pytest tests/cost/test_golden.py` writes them anew; read the diff before committing it.
"""

from __future__ import annotations

import difflib
import os
from decimal import Decimal
from pathlib import Path

import pytest

from modules.cost.catalog import OPTIONS, option_of
from modules.cost.usage import usage_of
from modules.environment.loader import load_environment
from modules.project import Project
from tests.cost.support import project_with, run

TESTDATA = Path(__file__).parent / "testdata"
CASES = sorted(folder.name for folder in TESTDATA.iterdir() if (folder / "env.yaml").exists())
VIEWS = {
    "cost": (),
    "compare": ("compare",),
    "explain": ("explain",),
    "cost.md": ("--markdown",),
    "compare.md": ("compare", "--markdown"),
    "cost.json": ("--json",),
    "whatif": ("whatif", "--set", "workload.ingress=10GB/day", "--set", "platform=msk"),
    "whatif.md": ("whatif", "--set", "workload.ingress=10GB/day", "--set", "platform=msk", "--markdown"),
    "sweep": ("whatif", "--over", "workload.ingress=1GB/day..1TB/day", "--compare"),
    "grid": ("whatif", "--over", "workload.ingress=1GB/day..1TB/day", "--over", "workload.retention=1d,7d,30d"),
}
EVERY_VIEW = "basic-1gb-a-day"
TUTORIAL_BYTES = Decimal(10**9) / 86_400 * 3600 * 730


def views(case: str) -> list[str]:
    """Every case has both tables, one that is there for its option alone the first; one case has every other output."""
    if case.startswith("tutorial-"):
        return ["cost"]
    return list(VIEWS) if case == EVERY_VIEW else ["cost", "compare"]


@pytest.mark.parametrize(("case", "view"), [(case, view) for case in CASES for view in views(case)])
def test_what_a_person_sees_is_what_was_last_agreed(
    case: str,
    view: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (TESTDATA / case / "env.yaml").read_text(encoding="utf-8")
    project = project_with(tmp_path, "case", text)
    code, out, err = run(monkeypatch, capsys, project, "cost", *VIEWS[view], "--env", "case")
    assert err == ""
    shown = "\n".join(line.rstrip() for line in out.splitlines()) + f"\n(exit {code})\n"
    golden = TESTDATA / case / f"{view}.golden"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")
    assert golden.exists(), f"no {golden.name}: run with UPDATE_GOLDEN=1 and read it"
    agreed = golden.read_text(encoding="utf-8")
    changes = difflib.unified_diff(agreed.splitlines(), shown.splitlines(), str(golden), "now", lineterm="")
    assert shown == agreed, "\n".join(changes)


def test_every_platform_and_mode_has_a_golden_table(tmp_path: Path) -> None:
    """The tutorial's workload, 1 GB a day kept for 30 days, on each; and all of them in one comparison."""
    told = {}
    for case in CASES:
        project = project_with(tmp_path / case, "case", (TESTDATA / case / "env.yaml").read_text(encoding="utf-8"))
        environment = load_environment(Project(project), "case")
        usage = usage_of(environment)
        option = option_of(environment)
        if option and usage.bytes_in == TUTORIAL_BYTES and usage.retention_days == 30:
            told[option.id] = case
    assert set(told) == set(OPTIONS)
    assert all((TESTDATA / case / "cost.golden").exists() for case in told.values())
    compared = (TESTDATA / EVERY_VIEW / "compare.golden").read_text(encoding="utf-8")
    assert [option.name for option in OPTIONS.values() if option.name not in compared] == []
