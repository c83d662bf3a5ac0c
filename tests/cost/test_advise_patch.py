"""A changed file keeps every line that the change does not touch, however its lines are broken."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.cost.advise.patch import patched
from modules.environment.edit import REMOVE

FILE = """\
# what it is
platform: msk # the one switch
production: false
tags: {team: data}
msk: {
  broker_type: kafka.m7g.large,
  brokers: 3
}
project:   streaming
workload: {ingress: 1GB/day, fan_out: 1, readers: [{name: dbt, every: 5m, takes: 30s}, {name: bi, hours_per_day: 10}], compression: 1}

# the last one
budget: {monthly: 300 USD}
"""  # noqa: E501


def kept(text: str, *changes: tuple[tuple[str | int, ...], Any]) -> tuple[str, list[str], list[str]]:
    """The changed text, the lines that went and those that came."""
    after = patched(text, changes)
    before_lines, after_lines = text.splitlines(), after.splitlines()
    return (
        after,
        [each for each in before_lines if each not in after_lines],
        [each for each in after_lines if each not in before_lines],
    )


def test_one_value_changes_one_line() -> None:
    after, gone, come = kept(FILE, (("platform",), "redpanda"))
    assert (len(gone), len(come)) == (1, 1)
    assert yaml.safe_load(after)["platform"] == "redpanda"


def test_a_change_in_a_block_leaves_long_lines_elsewhere_alone() -> None:
    after, gone, come = kept(FILE, (("budget", "monthly"), "200 USD"))
    assert gone == ["budget: {monthly: 300 USD}"]
    assert come == ["budget: {monthly: 200 USD}"]
    assert after.splitlines()[:-1] == FILE.splitlines()[:-1]


def test_a_new_section_comes_last_and_touches_nothing() -> None:
    after, gone, come = kept(FILE, (("topics", "a", "retention"), "7d"))
    assert gone == []
    assert after.startswith(FILE)
    assert come == ["topics:", "  a:", "    retention: 7d"]


def test_a_key_that_goes_takes_its_own_lines_along() -> None:
    after, _, come = kept(FILE, (("production",), REMOVE))
    assert come == []
    assert "production" not in yaml.safe_load(after)
    assert "project:   streaming" in after


def test_several_changes_at_once() -> None:
    after, _, _ = kept(
        FILE, (("msk", "brokers"), 6), (("workload", "readers", 0, "every"), "1h"), (("budget",), REMOVE)
    )
    made = yaml.safe_load(after)
    assert made["msk"] == {"broker_type": "kafka.m7g.large", "brokers": 6}
    assert made["workload"]["readers"][0] == {"name": "dbt", "every": "1h", "takes": "30s"}
    assert "budget" not in made
    assert after.startswith("# what it is\nplatform: msk # the one switch\nproduction: false\n")


@pytest.mark.parametrize("ending", ["", "\n", "\n\n"])
def test_a_file_may_end_as_it_likes(ending: str) -> None:
    assert yaml.safe_load(patched("a: 1\nb: 2" + ending, [(("b",), 3)])) == {"a": 1, "b": 3}


_NAMES = st.sampled_from(["a", "b", "c", "dd", "eee"])
_SCALARS = st.one_of(st.integers(0, 99), st.sampled_from(["x", "y z", "1GB/day", "a" * 90, "word " * 40]))
_TREES = st.dictionaries(_NAMES, st.one_of(_SCALARS, st.dictionaries(_NAMES, _SCALARS, min_size=1)), min_size=1)


@settings(max_examples=60, deadline=None)
@given(
    tree=_TREES,
    flow=st.booleans(),
    width=st.sampled_from([40, 80, 200]),
    path=st.tuples(_NAMES, _NAMES),
    value=_SCALARS,
)
def test_the_text_always_says_what_was_asked(
    tree: dict[str, Any], flow: bool, width: int, path: tuple[str, str], value: Any
) -> None:
    text = yaml.safe_dump(tree, default_flow_style=flow, width=width, sort_keys=False)
    where = path if isinstance(tree.get(path[0]), dict) else path[:1]
    after = patched(text, [(where, value)])
    wanted = {name: dict(each) if isinstance(each, dict) else each for name, each in tree.items()}
    if len(where) == 2:
        wanted[where[0]][where[1]] = value
    else:
        wanted[where[0]] = value
    assert yaml.safe_load(after) == wanted


@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_items_of_a_list_stay_where_they_are(indent: str) -> None:
    text = f"a:\n  readers: # who\n{indent}  - {{name: x, n: 1}}\n{indent}  - {{name: y, n: 2}}\nb: 1\n"
    _, gone, come = kept(text, (("a", "readers", 0, "n"), 3))
    assert gone == [f"{indent}  - {{name: x, n: 1}}"]
    assert come == [f"{indent}  - {{name: x, n: 3}}"]
