"""Cuts account-level SQL into tokens and walks over them.

Statements about account objects have a small fixed grammar, so a hand tokenizer does; table SQL goes to sqlglot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from modules.local.standin.errors import SnowflakeError, syntax_error

__all__ = ["Name", "Token", "Tokens", "quote", "tokenize"]

Name = tuple[str, ...]
"""A resolved or partly qualified identifier, one upper-cased or quoted part each."""

_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<string>'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)
  | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<symbol>=>|<>|!=|::|\|\||[<>]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}
_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")


@dataclass(frozen=True)
class Token:
    kind: Literal["quoted", "string", "number", "word", "symbol"]
    text: str
    """As written."""
    value: str
    """A word upper-cased, a string or a quoted identifier without its quotes."""
    position: int
    end: int


def tokenize(sql: str) -> list[Token]:
    """The tokens without comments and white space.

    Raises:
        SnowflakeError: an unfinished string or quoted identifier.
    """
    tokens = []
    for match in _PATTERN.finditer(sql):
        kind = match.lastgroup
        text = match.group()
        if kind == "space":
            continue
        if kind == "symbol" and text in "\"'":
            raise syntax_error(match.start(), text)
        tokens.append(Token(kind, text, _value(str(kind), text), match.start(), match.end()))  # type: ignore[arg-type]
    return tokens


def _value(kind: str, text: str) -> str:
    if kind == "word":
        return text.upper()
    if kind == "quoted":
        return text[1:-1].replace('""', '"')
    if kind == "string":
        if text.startswith("$$"):
            return text[2:-2]
        inner = text[1:-1].replace("''", "'")
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m.group(1), m.group(1)), inner, flags=re.DOTALL)
    return text


def quote(name: Name | str) -> str:
    """An identifier as Snowflake prints it: quotes only where it needs them."""
    parts = (name,) if isinstance(name, str) else name
    return ".".join(part if _PLAIN.match(part) else '"' + part.replace('"', '""') + '"' for part in parts)


class Tokens:
    """A position in a statement's tokens."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = tokenize(sql)
        while self._tokens and self._tokens[-1].text == ";":
            self._tokens.pop()
        self._at = 0
        self.modifiers: frozenset[str] = frozenset()
        """REPLACE, TRANSIENT, TEMPORARY, TERSE: words between the verb and the kind."""

    def __len__(self) -> int:
        return len(self._tokens) - self._at

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def all(self) -> list[Token]:
        """Every token of the statement, read or not."""
        return list(self._tokens)

    def peek(self, ahead: int = 0) -> Token | None:
        index = self._at + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise syntax_error(len(self.sql), "<EOF>")
        self._at += 1
        return token

    def at(self, *words: str) -> bool:
        """Whether the next tokens are these words or symbols."""
        for offset, word in enumerate(words):
            token = self.peek(offset)
            if token is None or token.kind not in ("word", "symbol") or token.value != word:
                return False
        return True

    def before(self, *words: str) -> bool:
        """Whether the tokens just read are these words."""
        return tuple(token.value for token in self._tokens[max(0, self._at - len(words)) : self._at]) == words

    def accept(self, *words: str) -> bool:
        if self.at(*words):
            self._at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.accept(word):
                raise self.unexpected()

    def unexpected(self) -> SnowflakeError:
        token = self.peek()
        return syntax_error(token.position, token.text) if token else syntax_error(len(self.sql), "<EOF>")

    def end(self) -> None:
        if not self.done:
            raise self.unexpected()

    def word(self) -> str:
        token = self.next()
        if token.kind != "word":
            self._at -= 1
            raise self.unexpected()
        return token.value

    def string(self) -> str:
        token = self.next()
        if token.kind != "string":
            self._at -= 1
            raise self.unexpected()
        return token.value

    def identifier(self) -> str:
        """One part of a name; IDENTIFIER('x') is understood where the whole name is one part."""
        token = self.next()
        if token.kind in ("word", "quoted"):
            return token.value
        self._at -= 1
        raise self.unexpected()

    def name(self) -> Name:
        """A dotted name, as written: one to three parts."""
        if self.accept("IDENTIFIER", "("):
            inner = Tokens(self.string())
            self.expect(")")
            return inner.name()
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        return tuple(parts)

    def if_exists(self) -> bool:
        return self.accept("IF", "EXISTS")

    def if_not_exists(self) -> bool:
        return self.accept("IF", "NOT", "EXISTS")

    def parenthesised(self) -> list[Token]:
        """The tokens between here's `(` and its `)`, both consumed."""
        self.expect("(")
        depth = 1
        inside: list[Token] = []
        while True:
            token = self.next()
            if token.text == "(" and token.kind == "symbol":
                depth += 1
            elif token.text == ")" and token.kind == "symbol":
                depth -= 1
                if depth == 0:
                    return inside
            inside.append(token)

    def rest(self) -> str:
        """The text from here to the end."""
        token = self.peek()
        if token is None:
            return ""
        return self.sql[token.position : self._tokens[-1].end]
