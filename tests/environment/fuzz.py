"""Environments nobody would write: real ones with mistakes in them, and ones drawn from the schema.

Mistakes are of two kinds: of the text (a line gone, doubled, indented, cut short, a character too many) and of what it
means (a key misspelt, moved, taken away, a value of another type). `complaint` is the judge: an environment loads, or
every line of its error names a file, a line of it and a key, in words of its own.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import yaml
from hypothesis import strategies as st

from modules.errors import ConfigError

__all__ = ["NAME", "complaint", "drawn", "mutated", "project_folder", "real_files"]

NAME = "fuzzed"
_REPOSITORY = Path(__file__).resolve().parents[2]
_CASES = _REPOSITORY / "tests" / "platforms" / "cases"

_PLACE = re.compile(r"(?P<file>environments/[\w./-]+):(?P<line>\d+)(:\d+)?: (?P<said>.+)", re.DOTALL)
_WHOLE_FILE = (
    "not valid YAML: ", "the file is empty", "the file is not text", "the file has a control character",
    "the file holds a single value", "the file holds a list",
)  # fmt: skip
"""What is said where no key can be named, since there is none or what stands there cannot be told."""
_CATCH_ALL = re.compile(
    r"unforeseen|Traceback|Input should|[Vv]alue error|validation error|\w+Error\b|pydantic|expected something else"
    r"|^invalid|is wrong$|<class|object at 0x"
)

_HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3.5, 10**30, -(10**30), 1e308, float("inf"), float("nan"), "", " ", "0", "-1", "~",
    "null", "1e3", "010", "0x10", "1_000", "on", "yes", "1:30", "30", "30d", "-30d", "1GB", "1GB/day", "1KiB",
    "1 TB/day", "5 USD", "$5", "us-east-1", "env:X", "env:", "file:/no/such", "aws-sm:x", "../../etc/passwd", "a b",
    "ä", "名前", "😀", "a" * 300, "${oops}", "{{ x }}", "%s", "a\nb", "\t", "*", "A.B.C", "a.b", "order-events",
    "schemas/order_events.avsc", "2026-11-22", [], [None], [[]], ["a", "a"], {}, {"a": 1}, {"": None}, {1: 2},
    {"kind": "sink"}, [{"a": [{}]}],
)  # fmt: skip
_WORDS = ("local", "msk", "a", "orders", "order-events", "eu-west-1", "STREAMING", "ANALYST", "sink", "5m", "1GiB")
_TEXTS = (
    "\t", "  ", ":", "- ", "? ", "&a ", "*a", "!!python/object:os.system ", "'", '"', "{", "]", "|", ">", "#", "%",
    "@", "`", "\x00", "\x07", "\u2028", "\ufeff", "---\n", "...\n", "<<: *a\n", ": :", "é", "😀",
)  # fmt: skip


def real_files() -> dict[str, str]:
    """Every environment there is: those that ship, and the cases that the platforms are tested on."""
    shipped = (path for path in (_REPOSITORY / "environments").glob("*.yaml") if path.stem != "base")
    cases = (path for path in _CASES.glob("*.yaml") if not path.stem.startswith("_"))
    return {path.stem: path.read_text() for path in sorted([*shipped, *cases])}


def project_folder(root: Path) -> Path:
    """A project with all that the real files name."""
    shutil.copytree(_REPOSITORY / "environments", root / "environments")
    for path in _CASES.rglob("*"):
        target = root / "environments" / path.relative_to(_CASES)
        # Not the applications, which take part in every environment of a project and are written for a few.
        wanted = path.parent.name != "applications" and (path.parent != _CASES or path.stem.startswith("_"))
        if path.is_file() and wanted and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return root


def complaint(error: ConfigError, folder: Path) -> str | None:
    """What is wrong with an error: None where a person could act on every line of it."""
    written = (folder / "environments" / f"{NAME}.yaml").read_text(errors="replace")
    lines = list(error.details) or [f"{error.where}: {error.what}"]
    for line in lines:
        if (found := _CATCH_ALL.search(line)) and found[0] not in written:
            return f"a catch-all: {line}"
        place = _PLACE.match(line)
        if place is None:
            if f"environments/{NAME}.yaml: the file is empty" in line:
                continue
            return f"no file and line: {line}"
        named = re.match(r".+?: ", place["said"]) or "`" in place["said"]
        if not named and not place["said"].startswith(_WHOLE_FILE):
            return f"no key: {line}"
        file = folder / place["file"]
        if not file.is_file():
            return f"there is no such file: {line}"
        # YAML ends a line at these too.
        there = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", file.read_text(encoding="utf-8", errors="replace")))
        if not 1 <= int(place["line"]) <= there + 1:
            return f"no such line (of {there}): {line}"
    if not error.do:
        return f"nothing to do: {error.what}"
    return None


def mutated(text: str, random: Random) -> str:
    """The text with one to three mistakes."""
    for _ in range(random.choice((1, 1, 2, 3))):
        text = _of_text(text, random) if random.random() < 0.4 else _of_meaning(text, random)
    return text


def _of_text(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = random.randrange(len(lines))
    match random.randrange(9):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines[at] = random.choice((" ", "  ", "\t")) + lines[at]
        case 3:
            lines[at] = lines[at].lstrip()
        case 4:
            other = random.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 5:
            return text[: random.randrange(len(text) + 1)]
        case 6:
            place = random.randrange(len(text) + 1)
            return text[:place] + random.choice(_TEXTS) + text[place:]
        case 7:
            place = random.randrange(len(text) + 1)
            return text[:place] + text[place + random.randrange(1, 6) :]
        case _:
            lines[at] = lines[at].replace(":", "", 1)
    return "".join(lines)


def _of_meaning(text: str, random: Random) -> str:
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return _of_text(text, random)
    places = list(_places(tree))
    if not places:
        return _of_text(text, random)
    holder, key = random.choice(places)
    match random.randrange(5):
        case 0 | 1:
            holder[key] = random.choice(_HOSTILE)
        case 2:
            value = holder.pop(key)
            if isinstance(holder, dict) and isinstance(key, str):
                holder[_misspelt(key, random)] = value
        case 3:
            holder.pop(key)
        case _:
            other, there = random.choice(places)
            if not isinstance(holder[key], dict | list):
                other[there] = holder[key]
    try:
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, RecursionError):
        return text


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(children):
        yield node, key
        yield from _places(value)


def _misspelt(key: str, random: Random) -> str:
    at = random.randrange(len(key) + 1)
    changed = (
        key[:at] + key[at + 1 :],
        key[:at] + "x" + key[at:],
        key.upper(),
        key + "s",
        key.replace("_", "-"),
        "",
        "<<",
    )
    return random.choice(changed)


def drawn() -> st.SearchStrategy[str]:
    """Whole environments by the editors' schema: mostly right in shape, here and there not."""
    schema = json.loads((_REPOSITORY / "environments" / "schema.json").read_text())
    return _of_schema(schema, schema["$defs"], 6).map(
        lambda tree: yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    )


def _of_schema(schema: dict[str, Any], known: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    hostile = st.sampled_from(_HOSTILE)
    if "$ref" in schema:
        return st.deferred(lambda: _of_schema(known[schema["$ref"].rsplit("/", 1)[1]], known, depth))
    if depth <= 0:
        return hostile
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        kept = [each for each in choices if each.get("type") != "null"]
        right = st.one_of([_of_schema(each, known, depth) for each in kept])
        return st.integers(0, 11).flatmap(lambda number: right if number else hostile)
    kinds = schema.get("type", "string")
    kind = next((each for each in kinds if each != "null"), "string") if isinstance(kinds, list) else kinds
    if kind == "object":
        return _mapping(schema, known, depth)
    if kind == "array":
        return st.lists(_of_schema(schema.get("items", {}), known, depth - 1), max_size=3)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(-2, 200),
        "number": st.floats(allow_nan=True) | st.integers(-2, 200),
        "boolean": st.booleans(),
    }
    pattern = schema.get("pattern")
    if kind in plain:
        return plain[kind]
    return st.from_regex(re.compile(pattern, re.ASCII)) if pattern else st.sampled_from(_WORDS) | st.text(max_size=12)


def _mapping(schema: dict[str, Any], known: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    fields = schema.get("properties", {})
    needed = {name: _of_schema(fields[name], known, depth - 1) for name in schema.get("required", ()) if name in fields}
    others = {name: _of_schema(body, known, depth - 1) for name, body in fields.items() if name not in needed}
    # A few keys at a time: of many, one is surely wrong, and the rest is never looked at.
    few = st.lists(st.sampled_from(sorted(others)), max_size=4, unique=True) if others else st.just([])
    named = few.flatmap(lambda names: st.fixed_dictionaries({**needed, **{name: others[name] for name in names}}))
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True) | st.text(max_size=5)
        return st.dictionaries(names, _of_schema(more, known, depth - 1), max_size=3)
    return named
