"""The comment: it fits at any size, keeps its structure, names what is destroyed, and takes no markup from values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from modules.guards.result import GuardReport, GuardResult, UsedWaiver
from modules.summary.escape import code, fence, prose
from modules.summary.gather import bare
from modules.summary.markdown import LIMIT, marker, to_markdown
from modules.summary.model import Right, SchemaCheck, Summary
from modules.terraform.plan import EnvironmentPlan
from tests.summary.support import change, plan_of

GITHUB = 65_536
TOPIC = {"name": "t", "partitions": 6}
ALLOWED = re.compile(
    r"</?details>|<br>|<summary>[\d,]+ more [a-z ]+</summary>|</?sub>|</?code>|<!-- infra plan [\w.-]+ -->|&nbsp;|\s"
)


def many(destroyed: int, others: int) -> EnvironmentPlan:
    entries = [change(f'kafka_topic.topic["gone-{at:05}"]', ["delete"], TOPIC) for at in range(destroyed)]
    for at in range(others):
        address = f'kafka_topic.topic["topic-{at:05}"]'
        if at % 2:
            entries.append(change(address, ["create"], None, TOPIC))
        else:
            entries.append(change(address, ["update"], TOPIC, {**TOPIC, "config": {"retention.ms": str(at)}}))
    return plan_of(*entries)


def test_five_thousand_changes_fit_and_every_destroyed_resource_is_named_first() -> None:
    text = to_markdown(bare(many(200, 4_800)))
    assert len(text) <= LIMIT < GITHUB
    named = re.findall(r"gone-\d{5}", text)
    assert sorted(set(named)) == [f"gone-{at:05}" for at in range(200)]
    assert text.index("gone-00199") < text.index("topic-0")
    assert "left out to fit" in text
    whole(text)


def test_what_does_not_fit_is_counted() -> None:
    plan = many(5_000, 0)
    text = to_markdown(bare(plan))
    assert len(text) <= LIMIT
    named = len(set(re.findall(r'topic\["gone-\d{5}', text)))
    told = re.search(r"_([\d,]+) more resources left out to fit", text)
    assert told and named + int(told[1].replace(",", "")) == 5_000
    assert named > 200
    whole(text)


@pytest.mark.parametrize("limit", [700, 1_500, 4_000, 12_000, 60_000])
def test_at_every_size_creations_go_before_changes_and_destructions_last(limit: int) -> None:
    text = to_markdown(bare(many(20, 400)), limit)
    assert len(text) <= max(limit, 1_100)
    whole(text)
    gone, changed, created = (f in text for f in ('"gone-00019"', '"topic-00398"', '"topic-00399"'))
    assert not created or changed
    assert not changed or gone


def test_a_workflow_finds_its_comment_by_the_first_line() -> None:
    text = to_markdown(bare(many(0, 1)))
    assert text.splitlines()[0] == "<!-- infra plan dev -->" == marker("dev")
    assert "--" not in marker("a--><b>").removeprefix("<!--").removesuffix("-->")


def whole(text: str) -> list[Token]:
    """Every fence, table and fold is closed, and every row has the cells of its table."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    tags = "".join(each.content for each in flat(tokens) if each.type in ("html_block", "html_inline"))
    assert tags.count("<details>") == tags.count("</details>") == tags.count("<summary>")
    rows: list[int] = []
    for token in tokens:
        if token.type == "thead_open":
            rows = []
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in ("td_open", "th_open"):
            rows[-1] += 1
        elif token.type == "table_close":
            assert len(set(rows)) == 1
    return tokens


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="`|<>@#*_[]()!\\-~\n\r\t &;:/.1ah", max_size=40),
    st.sampled_from(
        [
            "@octocat",
            "`|` @octocat",
            "``` ```\n```",
            "\\|`@octocat`",
            "<script>alert(1)</script>",
            "</details><h1>fine</h1>",
            "--> <b>x</b> <!--",
            "[click](https://example.com)",
            "![x](https://example.com/x.png)",
            "https://example.com/x www.example.com me@example.com",
            "#1 GH-1 owner/repo#1 0123456789012345678901234567890123456789",
            "a\n\n# heading\n\n- item",
            "| a | b |\n| - | - |",
            "1. list",
            "\u202egnp.exe",
        ]
    ),
)


def hostile(value: str) -> Summary:
    """The value in every place that a pull request can put one."""
    key = value or "x"
    plan = plan_of(
        change(f"kafka_topic.topic[{_json(key)}]", ["delete"], {"name": value, "partitions": 1}),
        change(f"kafka_topic.new[{_json(key)}]", ["create"], None, {"name": value}),
        change("kafka_topic.in_place", ["update"], {"name": "a", key: value}, {"name": value + "b", key: "1"}),
        change("x_y.text", ["update"], {"script": f"one\ntwo {value}\n"}, {"script": f"one\n{value}\n```\n"}),
        change("x_y.re", ["delete", "create"], {key: "a"}, {key: value + "b"}, replace_paths=[[key]]),
    )
    said = GuardResult("hook-x", "refuse", "topics", value, value, value)
    waiver = UsedWaiver("hook-x", value, value, date(2027, 1, 1), value, value)
    return Summary(
        plan,
        bare(plan).entries,
        schemas=(SchemaCheck(value, "BACKWARD", "breaks", value, (value,), (value,)),),
        gained=(Right("kafka", value, value, value),),
        guards=GuardReport("dev", value, (said, GuardResult("hook-x", "warn", "topics", value, value, value, waiver))),
        base=value or None,
        notes=(value,),
    )


def _json(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_nothing_of_a_value_becomes_markup(value: str) -> None:
    text = to_markdown(hostile(value))
    tokens = whole(text)
    headings = [tokens[at + 1].content for at, each in enumerate(tokens) if each.type == "heading_open"]
    assert headings[1:] == [
        "🛑 Refused", "Destroyed and replaced", "Changed", "Created", "Schemas", "Rights gained", "Warnings",
    ]  # fmt: skip
    for token in flat(tokens):
        if token.type in ("html_block", "html_inline"):
            assert ALLOWED.sub("", token.content) == "", token.content
        assert token.type not in ("link_open", "image")
        if token.type == "text":
            assert not re.search(r"@\w", token.content), token.content
            assert not re.search(r"://|(?i:\bwww\.)|#\d|(?i:\bgh-\d)", token.content), token.content
    assert not any(each.type.startswith("ordered_list") for each in tokens)
    for sign in ("\u202e", "\x1b", "\r"):
        assert sign not in text


def flat(tokens: Sequence[Token]) -> list[Token]:
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


@given(st.text())
def test_a_code_span_is_one_whatever_is_in_it(value: str) -> None:
    tokens = flat(MarkdownIt("commonmark", {"html": True}).enable("table").parse(f"| a |\n| - |\n| {code(value)} |"))
    cells = [each for each in tokens if each.type == "td_open"]
    assert len(cells) == 1
    if value.strip():
        assert len([each for each in tokens if each.type == "code_inline"]) <= 1


@given(st.lists(st.text(max_size=30), max_size=6))
def test_a_fence_ends_where_it_should(lines: list[str]) -> None:
    tokens = MarkdownIt("commonmark").parse(f"{fence(lines)}\n\nafter")
    assert [each.type for each in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@given(st.text())
def test_prose_stays_a_paragraph(value: str) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(prose(value))
    assert {each.type for each in flat(tokens)} <= {
        "paragraph_open",
        "inline",
        "text",
        "text_special",
        "paragraph_close",
    }
