"""Cuts known secrets out of text, in every form in which another program may repeat them.

A provider that echoes what it was given does not echo it letter by letter: in JSON its line breaks are escaped, in a
URL it is percent-encoded, in a header it is Base64, and a private key is printed line by line. Only values that are
known are found; what merely looks like a secret `modules/secrets/written.py` looks for.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

__all__ = ["PLACEHOLDER", "Redactor", "redact_known", "remember"]

PLACEHOLDER = "(secret)"

SHORTEST = 6
"""Shorter values would cut holes into innocent text."""

_SHORTEST_LINE = 16
"""Of a secret of several lines, each line as long as this is one by itself; its first and last, `-----BEGIN …`, not."""

_PLAIN_KEYS = ("username", "user", "ca", "certificate", "host", "url")
"""What in a secret that is a JSON object is none."""


class Redactor:
    """Finds secrets in text; holds them, so it has no repr that shows them and is never written down.

    Args:
        secrets: the values. One that is a JSON object or list also stands for the texts in it; one of several lines
            also for each of its lines.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for value in _values(secret) for form in _forms(value)}
        # The longest first: else a part would be cut out of a whole, and the rest of it stay.
        ordered = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __repr__(self) -> str:
        return "Redactor()"

    def __call__(self, text: str) -> str:
        """The text with `(secret)` in the place of each."""
        return self._pattern.sub(PLACEHOLDER, text) if self._pattern else text

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return self._pattern is not None


_known: set[str] = set()
"""What this process has read, for the texts of failures that nobody foresaw."""


def remember(secret: str) -> str:
    """The secret itself; `redact_known` cuts it out from now on."""
    _known.add(secret)
    return secret


def redact_known(text: str) -> str:
    """The text without any secret that this process has read."""
    return Redactor(tuple(_known))(text) if _known else text


def _values(secret: str) -> Iterator[str]:
    """The secret, and those inside it."""
    if len(secret) < SHORTEST:
        return
    yield secret
    yield from _leaves(secret)
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        body = [line for line in lines if line and not line.startswith("-----")]
        yield from (line for line in body if len(line) >= _SHORTEST_LINE)
        yield "".join(body)
        yield " ".join(lines)  # how a message is told on one line


def _leaves(secret: str) -> Iterator[str]:
    if secret.lstrip()[:1] not in ("{", "["):
        return
    try:
        whole = json.loads(secret)
    except ValueError:
        return
    waiting: list[object] = [whole]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [inner for key, inner in value.items() if str(key).lower() not in _PLAIN_KEYS]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and len(value) >= SHORTEST:
            yield value
            if "\n" in value:
                yield from _values(value)


def _forms(value: str) -> Iterator[str]:
    """The value as text, JSON (once and twice, as Python and as Go write it), a URL's part, a shell's word, Base64."""
    yield value
    if value.rstrip() != value:
        yield value.rstrip()
    escaped = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    # Go's encoder also escapes what a browser might take for a tag.
    escaped |= {"".join(_GO.get(letter, letter) for letter in each) for each in escaped}
    yield from escaped
    yield from (json.dumps(each, ensure_ascii=False)[1:-1] for each in escaped)
    for safe in ("", "/"):
        encoded = quote(value, safe=safe)
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)
    yield quote_plus(value)
    yield value.replace("'", "'\\''")
    yield value.replace("'", "'\"'\"'")  # as Python's shlex does
    yield value.encode().hex()
    yield value.encode().hex().upper()
    yield from _base64(value.encode())


_GO = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def _base64(data: bytes) -> Iterator[str]:
    """Base64 of the value by itself and inside something longer (`user:password`): three ways it may be aligned, and of
    each only the letters that its neighbours have no part in."""
    if len(data) < SHORTEST:
        return
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(data).decode()
        yield whole
        for width in (64, 76):  # wrapped, as PEM, MIME and `base64` do
            lines = [whole[start : start + width] for start in range(0, len(whole), width)]
            yield from (line for line in lines if _SHORTEST_LINE <= len(line) < len(whole))
        for before in range(3):
            text = encode(b"\0" * before + data).decode()
            first = -(-before * 8 // 6)
            last = (before + len(data)) * 8 // 6
            yield text[first:last]
