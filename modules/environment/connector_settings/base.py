"""What a connector's setting may hold, and whether a text is that. The lists are in the files beside this one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Connector", "Setting", "flag", "integer", "ours", "secret", "setting_problem", "text"]


@dataclass(frozen=True)
class Setting:
    """One setting of a connector.

    Attributes:
        kind: what its value is.
        choices: the only values there are, if there are such.
        least, most: bounds of a number.
        secret: the value is a secret and must not stand in a YAML.
        key: the YAML's own key for it; written there, never under `settings`.
    """

    kind: Literal["text", "boolean", "number"] = "text"
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    secret: bool = False
    key: str | None = None


@dataclass(frozen=True)
class Connector:
    """A connector's class with everything that may be set on it.

    Attributes:
        class_name: what `connector.class` says.
        settings: by name.
        prefixes: what names of free settings begin with (`transforms.`): parts of the framework with classes, and so
            settings, of their own.
    """

    class_name: str
    settings: Mapping[str, Setting]
    prefixes: tuple[str, ...] = field(default=())


def text(*choices: str) -> Setting:
    return Setting(choices=choices)


def flag() -> Setting:
    return Setting("boolean")


def integer(least: int | None = None, most: int | None = None) -> Setting:
    return Setting("number", least=least, most=most)


def secret() -> Setting:
    return Setting(secret=True)


def ours(key: str) -> Setting:
    """A setting that the YAML has a key for."""
    return Setting(key=key)


def setting_problem(connector: Connector, name: str, value: str) -> str | None:
    """What is wrong with a setting that was written under `settings`; None if the connector takes it."""
    found = connector.settings.get(name)
    if found is None:
        if name.startswith(connector.prefixes) if connector.prefixes else False:
            return None
        return _unknown(connector, name)
    if found.key is not None:
        return f"`{name}` follows from {found.key}; write it there, or take the line out"
    if found.secret:
        return f"`{name}` is a secret; a YAML holds references only, and there is none for it"
    return _wrong_value(name, found, value)


def _unknown(connector: Connector, name: str) -> str:
    known = [each for each, setting in connector.settings.items() if setting.key is None and not setting.secret]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    folded = {each.lower().replace("_", "."): each for each in known}
    nearest = folded.get(name.lower().replace("_", ".").replace("-", ".")) or (close[0] if close else None)
    hint = f"did you mean `{nearest}`?" if nearest else "docs/connectors.md says where its settings are described"
    return f"{connector.class_name} has no setting `{name}`; {hint}"


def _wrong_value(name: str, setting: Setting, value: str) -> str | None:
    shown = value if len(value) <= 60 else f"{value[:57]}..."
    if setting.kind == "boolean" and value not in ("true", "false"):
        return f"`{name}` takes true or false, got '{shown}'"
    if setting.kind == "number":
        if not re.fullmatch(r"-?[0-9]+", value):
            return f"`{name}` takes a whole number, got '{shown}'"
        if setting.least is not None and int(value) < setting.least:
            return f"`{name}` is at least {setting.least}, got {value}"
        if setting.most is not None and int(value) > setting.most:
            return f"`{name}` is at most {setting.most}, got {value}"
    if setting.choices and value not in setting.choices:
        close = difflib.get_close_matches(value.lower(), [each.lower() for each in setting.choices], n=1)
        exact = next((each for each in setting.choices if close and each.lower() == close[0]), None)
        hint = f"; did you mean `{exact}`?" if exact else ""
        return f"`{name}` takes one of {', '.join(setting.choices)}, got '{shown}'{hint}"
    return None
