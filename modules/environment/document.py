"""YAML files as trees that remember where every value came from.

Why not `yaml.safe_load`: it forgets lines, lets a key be given twice, and follows YAML 1.1, where `on` is true, `010`
is eight and `1:30` is ninety. Here scalars follow YAML 1.2's core schema, a key given twice is refused, and each value
knows its file and line, also after an `extends` has been merged in. What the values mean is not this module's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import yaml

from modules.errors import ConfigError

__all__ = ["Entry", "Mapping", "Mark", "Node", "Problem", "Scalar", "Sequence", "merge", "read_value", "read_yaml"]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NODE_LIMIT = 2_000_000
"""More values than any real file has: an alias inside an alias inside an alias would otherwise fill the memory."""

_DEPTH_LIMIT = 100

_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Mark:
    """A place in a file; `line` counts from 1, and is 0 where the place is an option on the command line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """Something to mend in a file. `path` is the key's path, as `topics.order-events.retention`."""

    mark: Mark
    path: str
    message: str

    def __str__(self) -> str:
        said = f"{self.path}: {self.message}" if self.path else self.message
        # A key or a value may hold what a terminal obeys.
        return f"{self.mark}: {_CONTROL.sub(lambda found: found[0].encode('unicode_escape').decode(), said)}"


@dataclass
class Scalar:
    """A value as YAML 1.2 reads it, and as it was written."""

    value: object
    text: str
    mark: Mark


@dataclass
class Sequence:
    items: list[Node]
    mark: Mark


@dataclass
class Entry:
    """One `key: value`; `mark` is the key's place."""

    mark: Mark
    node: Node


@dataclass
class Mapping:
    mark: Mark
    entries: dict[str, Entry] = field(default_factory=dict)


Node: TypeAlias = Scalar | Sequence | Mapping


def read_yaml(
    path: Path, shown: str, problems: list[Problem], least: str = "`platform: local`, or copy another one"
) -> Mapping:
    """The file's tree; what is wrong but leaves the rest readable (a key given twice) goes to `problems`.

    Args:
        path: the file.
        shown: its name in messages, relative to the project.
        least: what an empty file is told to hold.

    Raises:
        ConfigError: it cannot be read, is empty, is not YAML, or is not a mapping.
    """
    text = _read_text(path, shown)
    root = _compose(text, shown)
    if root is None:
        raise ConfigError("the file is empty", where=shown, do=f"write at least {least}")
    node = _Reader(shown, problems).convert(root, "", ())
    if not isinstance(node, Mapping):
        kind = "a list" if isinstance(node, Sequence) else "a single value"
        raise ConfigError(
            f"the file holds {kind}, not settings", where=str(node.mark), do="write `key: value` lines, as in base.yaml"
        )
    return node


def read_value(text: str, mark: Mark) -> Node:
    """One value as YAML has it, `10GB/day` or `{a: 1}`, written at `mark` instead of in a file.

    Raises:
        ConfigError: it is not YAML.
    """
    try:
        root = _compose(text, mark.file)
    except ConfigError as error:
        raise ConfigError(error.what, where=str(mark), do=error.do) from None
    if root is None:
        return Scalar(None, "", mark)
    problems: list[Problem] = []
    node = _Reader(mark.file, problems).convert(root, "", ())
    if problems:
        raise ConfigError(problems[0].message, where=str(mark), do="mend the value")
    return _marked(node, mark)


def _marked(node: Node, mark: Mark) -> Node:
    if isinstance(node, Mapping):
        return Mapping(mark, {name: Entry(mark, _marked(each.node, mark)) for name, each in node.entries.items()})
    if isinstance(node, Sequence):
        return Sequence([_marked(item, mark) for item in node.items], mark)
    return Scalar(node.value, node.text, mark)


def _read_text(path: Path, shown: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot read the file: {error.strerror}", where=shown, do="check that it is a file you may read"
        ) from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError("the file is not UTF-8 text", where=f"{shown}:{line}", do="save it as UTF-8") from None


def _compose(text: str, shown: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        _refuse_depth(text, shown)
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, shown) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1 if isinstance(error.position, int) else 1
        raise ConfigError(
            "the file has a control character YAML does not allow", where=f"{shown}:{line}", do="take it out"
        ) from None
    finally:
        loader.dispose()
    return node


def _refuse_depth(text: str, shown: str) -> None:
    """Refuses what is nested deeper than libyaml's recursion survives; looks only where so many brackets are."""
    if text.count("[") + text.count("{") + text.count("- ") < _DEPTH_LIMIT:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH_LIMIT:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError("the file is nested too deep", where=f"{shown}:{line}", do="write it flatter")


def _syntax_error(error: yaml.MarkedYAMLError, text: str, shown: str) -> ConfigError:
    """PyYAML's error in plain words; the file's text is not repeated, for it may hold what nobody should see."""
    mark = error.problem_mark or error.context_mark
    line = mark.line if mark else 0
    column = mark.column if mark else 0
    problem = error.problem or error.context or "it cannot be read"
    lines = text.splitlines()
    written = lines[line] if line < len(lines) else ""
    tab = next((n for n, each in enumerate(lines) if re.match(r" *\t", each)), None)
    if tab is not None and tab <= line:
        line, column = tab, lines[tab].index("\t")
        problem, do = "a tab is used for indentation", "indent with spaces; YAML does not allow tabs"
    elif "expected a single document" in problem or "another document" in problem:
        problem, do = "the file holds more than one YAML document", "take out the `---` line between them"
    elif "mapping values are not allowed" in problem:
        do = "indent the line as its neighbours, or put a value that holds `: ` in quotes"
    elif "undefined alias" in problem:
        do = "define the anchor above it, or put a value that begins with `*` in quotes"
    elif re.search(r"[{\[]", written) or "flow" in f"{error.context}{problem}":
        do = "close every { and [ and put a comma between the entries"
    elif "quoted scalar" in f"{error.context}":
        do = "close the quotation mark"
    elif "block mapping" in f"{error.context}" or "simple key" in f"{error.context}":
        do = "write `key: value`, and give lines of one level the same indentation"
    else:
        do = "mend the line (or the one above it); an editor with YAML support shows the place"
    return ConfigError(f"not valid YAML: {problem}", where=f"{shown}:{line + 1}:{column + 1}", do=do)


class _Reader:
    """Turns PyYAML's nodes into ours, gathering problems."""

    def __init__(self, shown: str, problems: list[Problem]) -> None:
        self._shown = shown
        self._problems = problems
        self._count = 0

    def convert(self, node: yaml.Node, path: str, parents: tuple[int, ...]) -> Node:
        mark = Mark(self._shown, node.start_mark.line + 1)
        self._count += 1
        if id(node) in parents or self._count > _NODE_LIMIT:
            raise ConfigError("an alias (`*name`) contains itself", where=str(mark), do="write the values out")
        if isinstance(node, yaml.ScalarNode):
            return Scalar(_scalar(node), node.value, mark)
        inside = (*parents, id(node))
        if isinstance(node, yaml.SequenceNode):
            return Sequence([self.convert(item, f"{path}[{n}]", inside) for n, item in enumerate(node.value)], mark)
        mapping = Mapping(mark)
        for key, value in node.value:
            self._entry(mapping, key, value, path, inside)
        return mapping

    def _entry(self, mapping: Mapping, key: yaml.Node, value: yaml.Node, path: str, inside: tuple[int, ...]) -> None:
        mark = Mark(self._shown, key.start_mark.line + 1)
        if not isinstance(key, yaml.ScalarNode):
            self._problems.append(Problem(mark, path, "a key must be a word, not a list or mapping"))
            return
        name = key.value
        where = f"{path}.{name}" if path else name
        if name == "<<" and not key.style:
            self._problems.append(Problem(mark, where, "`<<` is not supported; use `extends`, or write the keys out"))
        elif name in mapping.entries:
            first = mapping.entries[name].mark.line
            self._problems.append(Problem(mark, where, f"given twice; it is already on line {first}. Keep one"))
        else:
            mapping.entries[name] = Entry(mark, self.convert(value, where, inside))


def _scalar(node: yaml.ScalarNode) -> object:
    """The value by YAML 1.2's core schema: quoted is text; `on`, `yes`, dates and `1:30` are text as well."""
    text: str = node.value
    if node.style or node.tag == "!":  # libyaml says "" for plain, PyYAML None
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INT.fullmatch(text) and len(text) < 4000:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def merge(base: Mapping, over: Mapping, removed: dict[tuple[str, ...], Mark], at: tuple[str, ...] = ()) -> Mapping:
    """`over` laid on `base`: mappings merge, scalars and lists replace, `null` removes.

    `removed` gathers where a key was removed, for messages about what is missing then.
    """
    merged = Mapping(over.mark, dict(base.entries))
    for name, entry in over.entries.items():
        path = (*at, name)
        below = base.entries.get(name)
        if isinstance(entry.node, Scalar) and entry.node.value is None:
            merged.entries.pop(name, None)
            removed[path] = entry.mark
        elif isinstance(entry.node, Mapping):
            under = below.node if below and isinstance(below.node, Mapping) else Mapping(entry.mark)
            merged.entries[name] = Entry(entry.mark, merge(under, entry.node, removed, path))
        else:
            merged.entries[name] = entry
    return merged
