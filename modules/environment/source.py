"""Sources that read Snowflake: which table or stream is published to which topic, and how its rows are found.

Here is what the YAML says and what would be wrong with it; what a source may do on Kafka is decided in
`modules/topics`, what it may do in Snowflake in `modules/warehouse`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from modules.environment.section import Section
from modules.environment.types import Duration, DurationValue, Whole

if TYPE_CHECKING:
    from modules.environment.document import Problem
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = ["SnowflakeSource", "check", "name_problem", "place_topic", "snowflake_sources", "source_principal"]

_IDENTIFIER = r"[A-Za-z_][\w$]*"
_QUALIFIED = rf"^{_IDENTIFIER}\.{_IDENTIFIER}\.{_IDENTIFIER}$"
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_NAME_LENGTH = 25
"""With `source-` before it, it has to fit where an application's name fits (32)."""


class SnowflakeSource(Section):
    """A Snowflake table or stream whose rows are published to a topic, each once, in order per key."""

    kind: Literal["snowflake"] = Field(description="A table or stream of Snowflake.")
    table: str | None = Field(None, description="DATABASE.SCHEMA.TABLE; of a stream, its table.", pattern=_QUALIFIED)
    stream: str | None = Field(None, description="DATABASE.SCHEMA.STREAM, with mode: stream.", pattern=_QUALIFIED)
    mode: Literal["timestamp", "id", "stream"] = Field(
        description="How new rows are found: by a time they were written at, by a growing number, or by a stream."
    )
    column: str | None = Field(
        None,
        description="That time or number; of a stream, what rows of one key are ordered by.",
        pattern=f"^{_IDENTIFIER}$",
    )
    key: str = Field(description="The column that is the message key; it must be NOT NULL.", pattern=f"^{_IDENTIFIER}$")
    topic: str = Field(description="One of `topics`.")
    poll: Duration = Field(DurationValue(5_000), description="Pause between two looks for new rows.")
    settle: Duration = Field(
        DurationValue(10_000),
        description="How long after its stamp a row may still be committed; rows are published after this time.",
    )
    batch: Whole = Field(5_000, ge=1, le=100_000, description="Rows in one Kafka transaction, about.")
    role: str = Field("KAFKA_SOURCE", description="The Snowflake role it reads with.", pattern=f"^{_IDENTIFIER}$")

    @property
    def origin(self) -> str:
        """The table or stream in Snowflake's upper case."""
        return (self.stream or self.table or "").upper()


def snowflake_sources(environment: Environment) -> dict[str, SnowflakeSource]:
    """The sources of this kind, by name."""
    return {name: each for name, each in environment.sources.items() if isinstance(each, SnowflakeSource)}


def name_problem(name: str) -> str | None:
    """Why a source, of whichever kind, cannot have this name; None if it can."""
    if _NAME.fullmatch(name) and len(name) <= _NAME_LENGTH:
        return None
    return f"a source is named with at most {_NAME_LENGTH} lower-case letters, digits and `-`, a letter first"


def source_principal(name: str) -> str:
    """The Kafka login of a source, and its transactional id."""
    return f"source-{name}"


def place_topic(name: str) -> str:
    """The compacted topic that holds how far a source has come."""
    return f"source-{name}-place"


def principals(sources: Mapping[str, Any], topics: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The applications that sources amount to, as an application's file would say it: each has a login of its own.

    A source whose topic is not declared is left out: the environment is refused anyway.
    """
    return {
        source_principal(name): {
            "description": f"Publishes rows of {each.origin}",
            "produces": [each.topic],
        }
        for name, each in sources.items()
        if isinstance(each, SnowflakeSource) and each.topic in topics
    }


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What is wrong with an environment's sources of this kind."""
    from modules.environment.document import Problem

    def problem(message: str, name: str, *at: str) -> Problem:
        path = ("sources", name, *at)
        return Problem(positions.at(*path), ".".join(path), message)

    taken: dict[str, str] = {}
    for name, its in snowflake_sources(environment).items():
        if wrong := name_problem(name):
            yield problem(wrong, name)
        for message, at in _of_one(its):
            yield problem(message, name, *at)
        topic = environment.topics.get(its.topic)
        if topic is None:
            yield problem(f"there is no topic `{its.topic}`{_closest(its.topic, environment)}", name, "topic")
            continue
        if topic.sink and its.table and topic.sink.table.upper() == its.table.upper():
            message = f"topic `{its.topic}` is written into this very table by its sink: rows would go round for ever"
            yield problem(message, name, "table")
        other = taken.setdefault(its.topic, name)
        if other != name:
            yield problem(f"`{other}` publishes to this topic already; give each source its own", name, "topic")
        if place_topic(name) in environment.topics:
            yield problem(f"`{place_topic(name)}` is made for its place; take it out of `topics`", name)


def _of_one(its: SnowflakeSource) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Messages on what does not fit within one source, and where."""
    if its.mode == "stream":
        if its.stream is None:
            yield "mode: stream reads a stream; write `stream: DATABASE.SCHEMA.STREAM`", ("mode",)
        if its.table is None:
            yield "reading a stream takes the right to read its table; write `table: DATABASE.SCHEMA.TABLE`", ()
        return
    if its.stream is not None:
        yield "a stream is read with `mode: stream`", ("stream",)
    elif its.table is None:
        yield "which table? Write `table: DATABASE.SCHEMA.TABLE`", ()
    if its.column is None:
        what = "the time a row was written at" if its.mode == "timestamp" else "a number that grows with every row"
        yield f"mode: {its.mode} needs `column`, {what}", ("mode",)


def _closest(name: str, environment: Environment) -> str:
    close = difflib.get_close_matches(name, sorted(environment.topics), n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return "; declare it under `topics:`"
