"""What a page shows, read back out of its HTML: marks with their values, tables, and the JSON that is embedded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

__all__ = ["Mark", "Read", "pointed", "read"]

_VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass(frozen=True)
class Mark:
    """A drawn value: the element's name and attributes, and the id of the figure it is in."""

    element: str
    figure: str
    attributes: dict[str, str]

    @property
    def value(self) -> str:
        return self.attributes["data-value"]

    @property
    def path(self) -> str:
        return self.attributes["data-path"]

    def percent(self, name: str) -> float:
        """A coordinate that is given in per cent."""
        return float(self.attributes[name].removesuffix("%"))


@dataclass
class Read(HTMLParser):
    """The page, parsed."""

    marks: list[Mark] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    data: str = ""
    words: list[str] = field(default_factory=list)
    figure: str = ""
    _kind: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "figure":
            self.figure = found["id"]
        if "data-value" in found:
            self.marks.append(Mark(tag, self.figure, found))
        self.links += [found[name] for name in ("src", "href", "xlink:href", "action", "srcset") if name in found]
        if tag == "script":
            self._kind = found.get("type", "script")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} ends nothing")
        if tag == "script":
            self._kind = ""

    def handle_data(self, data: str) -> None:
        if self._kind == "application/json":
            self.data += data
        elif not self._kind and data.strip() and "style" not in self.open[-1:]:
            self.words.append(data.strip())

    @property
    def document(self) -> Any:
        return json.loads(self.data)


def read(html: str) -> Read:
    """A page, with every element closed that was opened."""
    found = Read()
    found.feed(html)
    found.close()
    assert found.problems == [] and found.open == [], (found.problems, found.open)
    return found


def pointed(document: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) points at."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document
