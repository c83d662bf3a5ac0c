"""Which keys an environment's YAML may have, read off the model, and what a misspelt one was meant to be."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from modules.environment.document import Mapping, Problem, Scalar, Sequence
from modules.environment.model import Application, Environment, Quota

__all__ = ["Shape", "check_keys", "is_secret", "shape_at"]

_FROM_LOADER = ("name", "source")
_FILES_OF_THEIR_OWN = "applications"


@dataclass(frozen=True)
class Shape:
    """What may stand at a key: fixed keys (`model`), free keys (`each`: the shape of every value), or a value; `item`
    is the shape of what a list holds; `variants` are models of a union, by their `kind`."""

    model: type[BaseModel] | None = None
    each: Shape | None = None
    choices: tuple[str, ...] = ()
    kind: str = ""
    item: Shape | None = None
    variants: tuple[tuple[str, type[BaseModel]], ...] = ()


def _shape(annotation: Any) -> Shape:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _shape(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        given = [each for each in get_args(annotation) if each is not type(None)]
        if len(given) > 1 and all(isinstance(each, type) and issubclass(each, BaseModel) for each in given):
            kinds = tuple((kind, each) for each in given for kind in get_args(each.model_fields["kind"].annotation))
            return Shape(variants=kinds)
        return _shape(given[0])
    if origin is Literal:
        return Shape(choices=tuple(str(each) for each in get_args(annotation)))
    if origin is list:
        return Shape(kind="list", item=_shape(get_args(annotation)[0]))
    if origin is dict:
        return Shape(each=_shape(get_args(annotation)[1]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(model=annotation)
    return Shape(kind=getattr(annotation, "__name__", str(annotation)))


@cache
def _fields(model: type[BaseModel]) -> dict[str, Shape]:
    """A model's keys as YAML spells them."""
    hidden = _FROM_LOADER if model is Environment else ()
    return {
        field.alias or name: _shape(field.annotation)
        for name, field in model.model_fields.items()
        if name not in hidden
    }


def _written(model: type[BaseModel]) -> dict[str, Shape]:
    """Those of a model's keys that its own file may have."""
    hidden = (_FILES_OF_THEIR_OWN,) if model is Environment else ()
    return {name: shape for name, shape in _fields(model).items() if name not in hidden}


def shape_at(path: tuple[object, ...]) -> Shape:
    """The shape at a path; an empty shape where the path is not the model's."""
    shape = Shape(model=Environment)
    for key in path:
        if shape.variants:
            shape = _of_any(shape, str(key))
        else:
            shape = _fields(shape.model).get(str(key), Shape()) if shape.model else shape.each or shape.item or Shape()
    return shape


def _of_any(shape: Shape, key: str) -> Shape:
    """The shape of a key of a union, whichever kind has it."""
    if key == "kind":
        return Shape(choices=tuple(kind for kind, _ in shape.variants))
    return next((found for _, model in shape.variants if (found := _fields(model).get(key))), Shape())


def is_secret(path: tuple[object, ...]) -> bool:
    """Whether a value at this path must not be repeated in a message."""
    last = str(path[-1]).lower() if path else ""
    return shape_at(path).kind == "SecretRefValue" or any(
        word in last for word in ("secret", "password", "private", "token", "credential", "api_key")
    )


def check_keys(document: Mapping, model: type[BaseModel] = Environment) -> list[Problem]:
    """Every key of one file that no environment has (or no other `model`), each with what was probably meant, and keys
    without a value."""
    return list(_check(document, Shape(model=model), ()))


def _check(node: Mapping, shape: Shape, at: tuple[str, ...]) -> Iterator[Problem]:
    for name, entry in node.entries.items():
        path = (*at, name)
        if shape.model is Environment and name == "extends":
            continue
        if shape.model:
            known = _written(shape.model)
            if name not in known:
                yield Problem(entry.mark, ".".join(path), _unknown(name, at, shape.model, known))
                continue
            inner = known[name]
        else:
            inner = shape.each or Shape()
        if isinstance(entry.node, Scalar) and entry.node.value is None and entry.node.text == "":
            yield Problem(
                entry.mark,
                ".".join(path),
                "has no value; write `{}` for the defaults, or `null` to drop what base says",
            )
        elif isinstance(entry.node, Mapping):
            inner = _of_kind(entry.node, inner)
            if inner.model or inner.each:
                yield from _check(entry.node, inner, path)
        elif isinstance(entry.node, Sequence) and inner.item:
            for number, item in enumerate(entry.node.items):
                each = _of_kind(item, inner.item) if isinstance(item, Mapping) else Shape()
                if isinstance(item, Mapping) and (each.model or each.each):
                    yield from _check(item, each, (*path, str(number)))


def _of_kind(node: Mapping, shape: Shape) -> Shape:
    """A union's shape as its `kind` says; none, so that nothing is said of its keys, where that is missing or wrong."""
    if not shape.variants:
        return shape
    kind = node.entries.get("kind")
    written = kind.node.text if kind and isinstance(kind.node, Scalar) else None
    return Shape(model=dict(shape.variants).get(written)) if written else Shape()


def _unknown(name: str, at: tuple[str, ...], model: type[BaseModel], known: dict[str, Shape]) -> str:
    own = model in (Application, Quota)
    if not at and name in _FROM_LOADER:
        what = "an application" if own else "an environment"
        return f"unknown key `{name}`; {what}'s name is the name of its file. Take the line out"
    if model is Environment and name == _FILES_OF_THEIR_OWN:
        return f"unknown key `{name}`; each application has a file of its own, environments/applications/<name>.yaml"
    close = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.7)
    if close:
        return f"unknown key `{name}`; did you mean `{close[0]}`?"
    elsewhere = [] if own else _places(name)
    if elsewhere:
        return f"unknown key `{name}` here; it belongs {' or '.join(elsewhere)}"
    return f"unknown key `{name}`; the keys here are {', '.join(sorted(known))}"


def _places(name: str) -> list[str]:
    """Where in the model a key of this name exists; the nearest to the root first."""
    found: list[str] = []
    queue: list[tuple[str, Shape]] = [("", Shape(model=Environment))]
    while queue:
        path, shape = queue.pop(0)
        if shape.each:
            queue.append((f"{path}.<name>", shape.each))
        for kind, variant in shape.variants:
            queue.append((f"{path} (kind {kind})", Shape(model=variant)))
        if shape.model is None:
            continue
        for key, inner in _written(shape.model).items():
            if key == name:
                found.append(f"under `{path.lstrip('.')}:`" if path else "at the top level")
            queue.append((f"{path}.{key}".lstrip("."), inner))
    return found[:3]
