"""Each guard refuses one plan in the words of `golden/<id>.txt`, and lets another pass.

`python -m tests.guards.test_golden` writes the golden files anew.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from modules.environment.guards import GUARD_IDS
from modules.guards import GUARDS, GuardReport, GuardsRefusedError
from modules.guards.rules import RULES
from tests.guards.cases import CASES, CONFLUENT
from tests.guards.support import judged, project_of

GOLDEN = Path(__file__).parent / "golden"


def _refused(id_: str, root: Path) -> GuardReport:
    case = CASES[id_]
    if case.prepare:
        case.prepare(root)
    options = dict(case.options)
    if id_ == "cost-jump":
        options["base"] = _smaller(root)
    return judged(root, [*case.lines, *case.instead], *case.refused, **options)


def _passed(id_: str, root: Path) -> GuardReport:
    case = CASES[id_]
    if case.prepare:
        case.prepare(root)
    options = {**case.options, **case.to_pass}
    if id_ == "cost-jump":
        options["base"] = project_of(root / "same", *case.lines)[1]
    return judged(root, [*case.lines, *case.also], *case.passes, **options)


def _smaller(root: Path) -> object:
    basic = [line.replace("standard", "basic") for line in CONFLUENT]
    return project_of(root / "before", *basic)[1]


def _text(report: GuardReport) -> str:
    return f"{GuardsRefusedError(report)}\n"


@pytest.mark.parametrize("id_", sorted(CASES))
def test_a_guard_refuses_in_the_words_of_its_golden_file(id_: str, tmp_path: Path) -> None:
    report = _refused(id_, tmp_path)
    assert {each.id for each in report.refused} == {id_}
    assert _text(report) == (GOLDEN / f"{id_}.txt").read_text()
    with pytest.raises(GuardsRefusedError):
        report.require()


@pytest.mark.parametrize("id_", sorted(CASES))
def test_a_guard_lets_the_plan_beside_it_pass(id_: str, tmp_path: Path) -> None:
    report = _passed(id_, tmp_path)
    assert id_ in report.checked, "a guard that was not asked has not passed anything"
    assert [each for each in report.results if each.id == id_] == []
    assert report.refused == ()
    report.require()


def test_the_catalog_the_rules_the_yaml_and_the_cases_have_the_same_guards() -> None:
    ids = [each.id for each in GUARDS]
    assert sorted(ids) == sorted(RULES) == sorted(GUARD_IDS) == sorted(CASES)


@pytest.mark.parametrize("id_", sorted(CASES))
def test_every_guard_has_its_section_in_the_docs(id_: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "guards.md").read_text()
    assert f"\n### {id_}\n" in text


def test_the_docs_say_how_strict_each_guard_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "guards.md").read_text()
    for each in GUARDS:
        assert f"\n| {each.id} | {each.severity} | {each.production} | {each.local} |\n" in text


def main() -> None:
    """Write the golden files."""
    for id_ in CASES:
        with tempfile.TemporaryDirectory() as folder:
            (GOLDEN / f"{id_}.txt").write_text(_text(_refused(id_, Path(folder))))
            sys.stdout.write(f"{id_}\n")


if __name__ == "__main__":
    main()
