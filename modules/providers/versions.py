"""Versions and constraints as Terraform reads them: `5.100.0`, `~> 5.0, != 5.3.1`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from modules.errors import ConfigError

__all__ = ["Version", "meets", "newest", "parse_version"]

Version = tuple[int, int, int, str]
"""Major, minor, patch, and what follows a hyphen; a release is newer than its pre-releases."""

_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+\S*)?")
_TERM = re.compile(r"(=|!=|>=|<=|>|<|~>)?\s*(\S+)")


def parse_version(text: str) -> Version | None:
    """The version; None where the text is none."""
    match = _VERSION.fullmatch(text.strip())
    return (int(match[1]), int(match[2] or 0), int(match[3] or 0), match[4] or "") if match else None


def order(version: Version) -> tuple[int, int, int, bool, list[tuple[bool, int, str]]]:
    """A key to sort by."""
    parts = [(not each.isdigit(), int(each) if each.isdigit() else 0, each) for each in version[3].split(".") if each]
    return (*version[:3], not version[3], parts)


def meets(text: str, constraint: str) -> bool:
    """Whether a version meets a constraint; an empty one is met by every release.

    Raises:
        ConfigError: the constraint is none.
    """
    version = parse_version(text)
    if version is None:
        return False
    for term in filter(None, (each.strip() for each in constraint.split(","))):
        match = _TERM.fullmatch(term)
        wanted = parse_version(match[2]) if match else None
        if match is None or wanted is None:
            raise ConfigError(f"`{constraint}` is no version constraint", do="write `5.100.0` or `~> 5.100`")
        if not _term(version, match[1] or "=", wanted, match[2].count(".") + 1):
            return False
    # A pre-release is taken only where it is named.
    return not version[3] or any(version == parse_version(each.strip(" =")) for each in constraint.split(","))


def _term(version: Version, sign: str, wanted: Version, parts: int) -> bool:
    one, other = order(version), order(wanted)
    if sign == "~>":
        upto = max(parts - 1, 1)
        return one >= other and version[:upto] == wanted[:upto]
    return {"=": one == other, "!=": one != other, ">": one > other, ">=": one >= other, "<": one < other,
            "<=": one <= other}[sign]  # fmt: skip


def newest(versions: Iterable[str], constraint: str = "") -> str | None:
    """The newest release that meets the constraint; None where none does."""
    fitting = [
        (order(parsed), each) for each in versions if (parsed := parse_version(each)) and meets(each, constraint)
    ]
    return max(fitting)[1] if fitting else None
