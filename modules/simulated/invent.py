"""Invents computed values: the shape a service would give them, the same for the same arguments.

A format is data (`formats.yaml`). Its placeholders:

    {hex8} {digits12} {lower6} {upper16} {alnum5}  characters drawn from the object's seed
    {same5}                                        likewise, but alike in all values of the object
    {uuid} {zone}                                  likewise; `zone` is a, b or c, following from the object's id
    {region} {account} {partition} {org}           of the provider's configuration
    {n}                                            the number of a repetition
    {serial}                                       1, 2, … : how many objects have these arguments
    {id} {name} {environment.id}                   another value of the same object, computed ones included
    {cluster:last}                                 what is behind the last `/` of it
    {name|id}                                      the first of these that has a value

A format may also be a literal, a list, a map of formats (one object), or a map with these keys:
`value`, with `when` (a path that must hold a true value or a block) and `repeat` (a number or a path, joined by `,`).
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from modules.local.plugins.protocol.schema import Attribute, Block, CtyType
from modules.local.plugins.protocol.values import UNKNOWN, Dynamic, Value

__all__ = ["Formats", "Invention"]

Formats = Mapping[str, Mapping[str, Any]]
"""Resource type (`*` for any; `data.<type>` for data sources) → attribute → format."""

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_DRAWN = re.compile(r"(hex|digits|lower|upper|alnum|same)(\d+)")
_ALPHABETS = {
    "hex": "0123456789abcdef",
    "digits": "0123456789",
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "alnum": "abcdefghijklmnopqrstuvwxyz0123456789",
    "same": "abcdefghijklmnopqrstuvwxyz0123456789",
}
_MISSING = object()


class Invention:
    """One object's values.

    Args:
        kind: the resource type, or `data.<type>`.
        given: its arguments; what is `UNKNOWN` is to be invented.
        constants: `region`, `account`, `partition`, `org`.
        salt: makes an object with equal arguments a different one.
    """

    def __init__(
        self,
        kind: str,
        block: Block,
        formats: Formats,
        given: Mapping[str, Any],
        constants: Mapping[str, str],
        salt: int,
    ) -> None:
        self._kind = kind
        self._block = block
        self._formats = (formats.get(kind, {}), formats.get("*", {}))
        self._given = given
        self._constants = constants
        configured = json.dumps(_known(given), sort_keys=True, default=str)
        self._seed = hashlib.sha256(f"{kind}\n{configured}\n{salt or ''}".encode()).digest()
        self._salt = salt
        self._made: dict[str, Any] = {}
        self._natural: dict[str, bool] = {}

    def filled(self) -> dict[str, Any]:
        """The arguments with every unknown invented."""
        return self._fill(self._block, self._given, "")

    def natural(self, name: str) -> bool:
        """Whether an invented value follows from the arguments alone, so that an equal one is the same object."""
        return self._natural.get(name, False)

    def _fill(self, block: Block, values: Mapping[str, Any], path: str) -> dict[str, Any]:
        filled = dict(values)
        for name, attribute in block.attributes.items():
            value = values.get(name)
            if value is UNKNOWN:
                filled[name] = self._attribute(name, attribute) if not path else self._at(f"{path}{name}", attribute)
            elif value is not None and attribute.nested is not None:
                inner = Block(attribute.nested.attributes)
                filled[name] = self._each(inner, value, f"{path}{name}.")
        for name, nested in block.blocks.items():
            value = values.get(name)
            filled[name] = [] if value is UNKNOWN else self._each(nested.block, value, f"{path}{name}.")
        return filled

    def _each(self, block: Block, value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [self._fill(block, one, f"{path}{index}.") for index, one in enumerate(value)]
        if not isinstance(value, dict):
            return value
        names = block.attributes.keys() | block.blocks.keys()
        if value.keys() <= names and (names or not value):
            return self._fill(block, value, path)
        return {key: self._fill(block, one, f"{path}{key}.") for key, one in value.items()}

    def _attribute(self, name: str, attribute: Attribute) -> Value:
        """A computed value at the top level, made once however often others refer to it."""
        if name not in self._made:
            self._made[name] = None  # a format that refers to itself finds nothing
            self._natural[name] = True
            self._made[name] = self._at(name, attribute)
        return self._made[name]

    def _at(self, path: str, attribute: Attribute) -> Value:
        plain = re.sub(r"\.\d+\.", ".", path)
        form = next((table[plain] for table in self._formats if plain in table), _MISSING)
        if form is not _MISSING:
            return _as_type(attribute.wire_type, self._formed(form, path, 1))
        return self._fallback(attribute, path)

    def _formed(self, form: Any, path: str, number: int) -> Any:
        if isinstance(form, str):
            return self._text(form, path, number)
        if isinstance(form, list):
            return [self._formed(one, f"{path}[{index}]", number) for index, one in enumerate(form)]
        if not isinstance(form, dict):
            return form
        if "when" not in form and "repeat" not in form:
            return {key: self._formed(one, f"{path}.{key}", number) for key, one in form.items()}
        if "when" in form and not any(self._look_up(each.strip()) for each in form["when"].split("|")):
            return self._formed(form.get("else"), path, number)
        if "repeat" not in form:
            return self._formed(form["value"], path, number)
        times = form["repeat"] if isinstance(form["repeat"], int) else self._look_up(form["repeat"]) or 1
        return ",".join(self._text(form["value"], path, each) for each in range(1, min(int(times), 3) + 1))

    def _text(self, form: str, path: str, number: int) -> str:
        def replace(found: re.Match[str]) -> str:
            return next((text for each in found[1].split("|") if (text := self._token(each, path, number))), "")

        return _PLACEHOLDER.sub(replace, form)

    def _token(self, mark: str, path: str, number: int) -> str:
        if mark == "n":
            return str(number)
        if mark in self._constants and mark != "region":
            return self._constants[mark]
        drawn = _DRAWN.fullmatch(mark)
        if drawn or mark in ("uuid", "zone", "serial"):
            self._natural[path] = False
        if drawn:
            where = mark if drawn[1] == "same" else f"{path}:{mark}"
            return self._draw(where, _ALPHABETS[drawn[1]], int(drawn[2]))
        if mark == "serial":
            return str(self._salt + 1)
        if mark == "uuid":
            return str(uuid.UUID(bytes=self._digest(path)[:16], version=4))
        if mark == "zone":
            return "abc"[sum(str(self._given.get("id")).encode()) % 3]
        mark, _, cut = mark.partition(":")
        value = self._look_up(mark)
        if cut == "last" and isinstance(value, str):
            value = value.rpartition("/")[2]
        if self._natural.get(mark) is False:
            self._natural[path] = False
        if value is None and mark == "region":
            return self._constants["region"]
        if isinstance(value, str) and mark in ("cloud", "region"):
            return value.lower()
        return "" if value is None or isinstance(value, dict | list) else str(value)

    def _look_up(self, path: str) -> Any:
        """A value of this object by its path; blocks of one are stepped into, unknown values invented."""
        head, *rest = path.split(".")
        value = self._given.get(head)
        if value is UNKNOWN:
            attribute = self._block.attributes.get(head)
            value = None if attribute is None else self._attribute(head, attribute)
        for step in rest:
            if isinstance(value, list):
                value = value[0] if value else None
            value = value.get(step) if isinstance(value, dict) else None
        # An empty block that is there counts: `freight {}`.
        return None if value is UNKNOWN or value == [] else value

    def _fallback(self, attribute: Attribute, path: str) -> Value:
        """No format: nothing where the argument was optional, else something recognisable."""
        kind = attribute.wire_type
        if isinstance(kind, list) and kind[0] in ("list", "set"):
            inner = kind[1]
            one_object = isinstance(inner, list) and inner[0] == "object" and not attribute.optional
            return [self._object(inner, path)] if one_object else []
        if isinstance(kind, list):
            return self._object(kind, path) if kind[0] == "object" else {}
        if kind == "bool":
            return False
        if attribute.optional:
            return None
        self._natural[path] = False
        return 1 if kind == "number" else _as_type(kind, f"simulated-{self._draw(path, _ALPHABETS['hex'], 8)}")

    def _object(self, kind: CtyType, path: str) -> dict[str, Any]:
        """An object of a computed list (Snowflake's `show_output`): the resource's own values where named alike."""
        made: dict[str, Any] = {}
        assert isinstance(kind, list)
        for name, member in kind[1].items():
            own = None if name == path else self._given.get(name)
            fits = isinstance(own, str | bool | int | float)
            made[name] = _as_type(member, own) if fits else _empty(member)
        return made

    def _draw(self, what: str, alphabet: str, length: int) -> str:
        number = int.from_bytes(self._digest(what) + self._digest(f"{what}+"), "big")
        text = ""
        for _ in range(length):
            number, at = divmod(number, len(alphabet))
            text += alphabet[at]
        return text

    def _digest(self, what: str) -> bytes:
        return hashlib.sha256(self._seed + what.encode()).digest()


def _known(value: Any) -> Any:
    """What was configured, without what is to be invented; the order of keys and sets does not matter."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items() if one is not UNKNOWN and one not in (None, [], {})}
    if isinstance(value, list):
        return [_known(one) for one in value if one is not UNKNOWN]
    return value


def _empty(kind: CtyType) -> Any:
    if isinstance(kind, str):
        return {"bool": False, "number": 0, "string": ""}.get(kind)
    if kind[0] == "object":
        return {name: _empty(member) for name, member in kind[1].items()}
    return {} if kind[0] == "map" else []


def _as_type(kind: CtyType, value: Any) -> Value:
    """A formed value in the attribute's type; what cannot be turned into it is an error in the format."""
    if value is None:
        return None
    if isinstance(kind, str):
        if kind == "string":
            return str(value).lower() if isinstance(value, bool) else str(value)
        if kind == "number":
            return value if isinstance(value, int | float) else int(value)
        if kind == "bool":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        return value if isinstance(value, Dynamic) else Dynamic("string", str(value))
    head, inner = kind[0], kind[1]
    if head == "object":
        return {
            name: _as_type(member, value[name]) if name in value else _empty(member) for name, member in inner.items()
        }
    if head == "map":
        return {key: _as_type(inner, one) for key, one in value.items()}
    members = inner if head == "tuple" else [inner] * len(value)
    return [_as_type(member, one) for member, one in zip(members, value, strict=True)]
