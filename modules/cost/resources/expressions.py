"""As much of Terraform's expressions as a synthesised stack needs to be counted: locals, defaults, `each`, `toset`.

Not an interpreter: whatever else an expression does, it stays text, and who asks for its value is told that it is not
known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Scope", "addresses_in"]

_WHOLE = re.compile(r"^\$\{(.*)\}$", re.DOTALL)
_PATH = re.compile(r'[A-Za-z_][\w-]*(?:\.[\w-]+|\["[^"]*"\]|\[\d+\])*')
_STEP = re.compile(r'\.([\w-]+)|\["([^"]*)"\]|\[(\d+)\]')
_LISTED = re.compile(r"^(?:toset\()?(\[.*\])\)?$", re.DOTALL)
_ADDRESS = re.compile(r"(?<![\w.])((?:aws|awscc)_[a-z0-9_]+\.[A-Za-z_][\w-]*)")
_UNKNOWN = object()


def addresses_in(text: str) -> Iterator[str]:
    """Addresses of AWS resources, without keys, in an expression's text."""
    yield from _ADDRESS.findall(text)


@dataclass(frozen=True)
class Scope:
    """What an expression may name: locals, variables (by their defaults), and `each` inside a block with `for_each`."""

    locals: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    each: tuple[Any, Any] | None = None

    def value(self, given: Any) -> Any:
        """A value with every expression in it that can be worked out replaced; the others as they are."""
        if isinstance(given, Mapping):
            return {key: self.value(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.value(value) for value in given]
        if not isinstance(given, str) or not (whole := _WHOLE.match(given)):
            return given
        found = self._path(whole[1].strip())
        return given if found is _UNKNOWN else found

    def instances(self, body: Mapping[str, Any]) -> Iterator[tuple[bool, str | int | None, Scope]]:
        """A block's instances: True, the key, what its arguments may name; once False where how many is not known."""
        if "count" in body:
            count = self.value(body["count"])
            if isinstance(count, int) and not isinstance(count, bool):
                yield from ((True, index, self) for index in range(count))
            else:
                yield False, None, self
        elif "for_each" not in body:
            yield True, None, self
        elif (over := self._collection(body["for_each"])) is None:
            yield False, None, self
        else:
            yield from ((True, key, replace(self, each=(key, value))) for key, value in over.items())

    def _collection(self, given: Any) -> dict[str, Any] | None:
        found = self.value(given)
        if isinstance(found, str) and (whole := _WHOLE.match(found)) and (listed := _LISTED.match(whole[1].strip())):
            try:
                found = json.loads(listed[1])
            except json.JSONDecodeError:
                return None
        if isinstance(found, list):
            return {str(each): each for each in found}
        return dict(found) if isinstance(found, Mapping) else None

    def _path(self, text: str) -> Any:
        if not _PATH.fullmatch(text):
            return _UNKNOWN
        root, *steps = [
            text.partition(".")[0].partition("[")[0],
            *(next(filter(None, step)) for step in _STEP.findall(text)),
        ]
        if root == "local" and steps:
            name = steps.pop(0)
            rest = {key: value for key, value in self.locals.items() if key != name}  # one that names itself ends here
            found = replace(self, locals=rest).value(self.locals.get(name, _UNKNOWN))
        elif root == "var" and steps:
            found = self._default(steps.pop(0))
        elif root == "each" and steps and self.each is not None:
            found = self.each[0] if steps.pop(0) == "key" else replace(self, each=None).value(self.each[1])
        else:
            return _UNKNOWN
        for step in steps:
            if isinstance(found, Mapping) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                return _UNKNOWN
        return found

    def _default(self, name: str) -> Any:
        declared = self.variables.get(name)
        return declared["default"] if isinstance(declared, Mapping) and "default" in declared else _UNKNOWN
