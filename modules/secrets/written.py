"""Finds what looks like a secret written in clear in a YAML file: keys, tokens, passwords, random-looking text.

Lines are looked at, not values: a comment is read by as many people. What was found is told by its kind and length;
nothing of it is repeated. It guesses, so it can be wrong either way: a line that ends with `# not a secret` is left.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ALLOWED", "Written", "find_written"]

ALLOWED = "# not a secret"

_KINDS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[0-9A-Za-z]{30,}|github_pat_[0-9A-Za-z_]{30,})\b"),
    "a GitLab token": re.compile(r"\bglpat-[0-9A-Za-z_-]{18,}\b"),
    "a JSON web token": re.compile(r"\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*"),
    "a Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}\b"),
    "a URL with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@{}$]+:[^\s/@{}$]+@"),
}
_NAMED = re.compile(
    r"""(?ix) \b [\w.-]* (?: passw(?:or)?d | passphrase | secret | (?<![a-z])token | api[_-]?key | private[_-]?key
    | access[_-]?key ) [\w.-]* \s* ["']? \s* [:=] \s* (?P<value> "[^"]*" | '[^']*' | [^\s,}\]\#]+ )"""
)
_REFERENCE = re.compile(r"^(env|file|aws-sm|aws-ssm):|^\$\{|^(aws-sm|aws-ssm|file|env|null|true|false|~)$")
_WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_NO_SECRET = re.compile(
    r"^(?:(?:vpc|subnet|sg|rtb|eni|i|ami|vpce|svc|tgw|acl|igw|nat|lkc|env|sa|pool|net|n|lfcp|lsrc|u|cc)-[0-9a-z]+"
    r"|[0-9a-f-]{36}|[0-9a-f]{32,128}|Z[A-Z0-9]{12,31})$"
)
"""Ids of AWS and Confluent, UUIDs, digests, Route 53 zones."""

_ENTROPY = 4.0
"""Bits a character: 20 random letters and digits have some 4.1, English words and names below 3.7."""


@dataclass(frozen=True)
class Written:
    """Something that looks like a secret."""

    line: int
    kind: str
    length: int


def find_written(text: str) -> Iterator[Written]:
    """What looks like a secret, at most one a line, in order."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.rstrip().endswith(ALLOWED):
            continue
        if inside:  # a key's further lines
            inside = "-----END" not in line
            continue
        found = _in_line(line)
        if found:
            kind, length = found
            inside = kind == "a private key" and "-----END" not in line
            yield Written(number, kind, length)


def _in_line(line: str) -> tuple[str, int] | None:
    for kind, pattern in _KINDS.items():
        if match := pattern.search(line):
            return kind, len(match[0])
    for match in _NAMED.finditer(line):
        value = match["value"].strip("\"'")
        if len(value) >= 6 and not _REFERENCE.match(value) and value[0] not in "{[|>&*!" and not value.isdecimal():
            return "a password or key", len(value)
    for match in _WORD.finditer(_without_references(line)):
        if _looks_random(match[0]):
            return "random-looking text", len(match[0])
    return None


def _without_references(line: str) -> str:
    """The line without references, ARNs, addresses and digests, which are long and no secrets."""
    return re.sub(
        r"(?:env|file|aws-sm|aws-ssm):[^\s,}\]\"']+|arn:[^\s,}\]\"']+|[a-z]+://\S+|sha\d+:[0-9a-f]+", " ", line
    )


def _looks_random(word: str) -> bool:
    if _NO_SECRET.match(word):
        return False
    bare = word.rstrip("=")
    classes = (any(c.isdigit() for c in bare), any(c.isupper() for c in bare), any(c.islower() for c in bare))
    if not all(classes) or bare.count("/") > len(bare) / 8 or bare.count("-") + bare.count("_") > len(bare) / 8:
        return False  # words, paths and names with hyphens
    counts = Counter(bare)
    entropy = -sum(n / len(bare) * math.log2(n / len(bare)) for n in counts.values())
    return entropy >= min(_ENTROPY, 0.9 * math.log2(len(bare)))
