"""A table's columns: Snowflake's types in their canonical form, as DESCRIBE shows and streaming checks them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import SnowflakeError, unsupported
from modules.local.standin.tokenizer import Token, Tokens, quote

__all__ = [
    "ColumnSpec",
    "ColumnType",
    "columns_of",
    "from_duckdb",
    "parse_column",
    "parse_type",
    "put_columns",
    "read_type",
]

_VARCHAR_MAX, _BINARY_MAX = 16777216, 8388608
_SYNONYMS = {
    **dict.fromkeys(("VARCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2", "CHAR VARYING"), "VARCHAR"),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), "CHAR"),
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC", "DEC"), "NUMBER"),
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "INT"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), "FLOAT"),
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIME": "TIME",
    **dict.fromkeys(("TIMESTAMP_NTZ", "TIMESTAMP", "DATETIME", "TIMESTAMPNTZ"), "TIMESTAMP_NTZ"),
    **dict.fromkeys(("TIMESTAMP_LTZ", "TIMESTAMPLTZ"), "TIMESTAMP_LTZ"),
    **dict.fromkeys(("TIMESTAMP_TZ", "TIMESTAMPTZ"), "TIMESTAMP_TZ"),
    **dict.fromkeys(("BINARY", "VARBINARY"), "BINARY"),
    "VARIANT": "VARIANT",
    "OBJECT": "OBJECT",
    "ARRAY": "ARRAY",
}


@dataclass(frozen=True)
class ColumnType:
    """`base` with what its parentheses held: (length,), (precision, scale) or (fractional digits,)."""

    base: str
    args: tuple[int, ...] = ()

    @property
    def ddl(self) -> str:
        """What the engine is given: DuckDB takes arguments on numbers and strings only."""
        return str(self) if self.base in ("NUMBER", "VARCHAR") else self.base

    def __str__(self) -> str:
        return f"{self.base}({','.join(map(str, self.args))})" if self.args else self.base


@dataclass(frozen=True)
class ColumnSpec:
    name: str
    type: str
    """Canonical, `NUMBER(12,2)`."""
    nullable: bool = True
    default: str | None = None
    """An SQL expression."""
    comment: str = ""
    primary_key: bool = False
    unique_key: bool = False
    masking_policy: str | None = None
    """A policy's full name."""

    @property
    def column_type(self) -> ColumnType:
        return read_type(self.type)


def _canonical(word: str, args: tuple[int, ...]) -> ColumnType:
    base = _SYNONYMS.get(word)
    if base is None:
        raise SnowflakeError(2040, "42601", f"SQL compilation error:\nUnsupported data type '{word}'.")
    if base == "VARCHAR":
        return ColumnType("VARCHAR", args or (_VARCHAR_MAX,))
    if base == "CHAR":
        return ColumnType("VARCHAR", args or (1,))
    if base == "NUMBER":
        precision, scale = (*args, 0)[:2] if args else (38, 0)
        if not 1 <= precision <= 38 or not 0 <= scale <= min(precision, 37):
            raise SnowflakeError(2011, "42601", f"SQL compilation error:\ninvalid precision or scale: NUMBER{args}")
        return ColumnType("NUMBER", (precision, scale))
    if base == "INT":
        return ColumnType("NUMBER", (38, 0))
    if base == "BINARY":
        return ColumnType("BINARY", args or (_BINARY_MAX,))
    if base == "TIME" or base.startswith("TIMESTAMP"):
        return ColumnType(base, args or (9,))
    return ColumnType(base)


def parse_type(tokens: Tokens) -> ColumnType:
    """A data type at the tokens' position.

    Raises:
        SnowflakeError: 002040, no such type.
    """
    word = tokens.word()
    if word == "DOUBLE" and tokens.accept("PRECISION"):
        word = "DOUBLE PRECISION"
    if word in ("CHAR", "CHARACTER", "NCHAR") and tokens.accept("VARYING"):
        word = "VARCHAR"
    args: tuple[int, ...] = ()
    if tokens.at("("):
        inside = tokens.parenthesised()
        if word in ("ARRAY", "OBJECT"):
            return _canonical(word, ())
        args = tuple(int(token.value) for token in inside if token.kind == "number")
    return _canonical(word, args)


def read_type(text: str) -> ColumnType:
    """The inverse of `str(ColumnType)`."""
    match = re.match(r"(\w+)(?:\((.*)\))?", text)
    if match is None:
        raise ValueError(text)
    return ColumnType(match[1], tuple(int(part) for part in match[2].split(",")) if match[2] else ())


def from_duckdb(duck_type: str) -> ColumnType:
    """The Snowflake type of a column a CREATE TABLE … AS made."""
    decimal = re.match(r"DECIMAL\((\d+),(\d+)\)", duck_type)
    if decimal:
        return ColumnType("NUMBER", (int(decimal[1]), int(decimal[2])))
    simple = {
        "VARCHAR": "VARCHAR", "DOUBLE": "FLOAT", "FLOAT": "FLOAT", "BOOLEAN": "BOOLEAN", "DATE": "DATE", "TIME": "TIME",
        "TIMESTAMP": "TIMESTAMP_NTZ", "TIMESTAMP_NS": "TIMESTAMP_NTZ", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ",
        "BLOB": "BINARY", "JSON": "VARIANT",
    }  # fmt: skip
    return _canonical(simple.get(duck_type, "INT" if "INT" in duck_type else "VARCHAR"), ())


def columns_of(table: Entity) -> list[ColumnSpec]:
    return [ColumnSpec(**column) for column in table.props.get("columns", ())]


def put_columns(table: Entity, columns: list[ColumnSpec]) -> None:
    table.props["columns"] = [asdict(column) for column in columns]


def parse_column(tokens: Tokens) -> tuple[ColumnSpec, str]:
    """One column definition; also its clauses as DDL to hand on (default, identity, NOT NULL)."""
    name, kind = tokens.identifier(), parse_type(tokens)
    nullable, comment, default = True, "", None
    primary, unique, policy = False, False, None
    identity = ""
    while not tokens.done and not tokens.at(","):
        if tokens.accept("NOT", "NULL"):
            nullable = False
        elif tokens.accept("NULL") or tokens.accept("ENFORCED") or tokens.accept("NOT", "ENFORCED"):
            pass
        elif tokens.accept("COMMENT"):
            comment = tokens.string()
        elif tokens.accept("DEFAULT"):
            default = _default(tokens)
        elif tokens.accept("PRIMARY", "KEY"):
            primary, nullable = True, False
        elif tokens.accept("UNIQUE"):
            unique = True
        elif tokens.accept("COLLATE"):
            tokens.string()
        elif tokens.accept("WITH", "MASKING", "POLICY") or tokens.accept("MASKING", "POLICY"):
            # Looked up by whoever creates or alters the table.
            policy = quote(tokens.name())
            if tokens.at("USING"):
                raise unsupported("MASKING POLICY … USING")
        elif tokens.at("AUTOINCREMENT") or tokens.at("IDENTITY"):
            identity = _identity(tokens)
        else:
            raise tokens.unexpected()
    clauses = "".join((f" DEFAULT {default}" if default else "", identity, "" if nullable else " NOT NULL"))
    return ColumnSpec(name, str(kind), nullable, default, comment, primary, unique, policy), clauses


_CLAUSE_WORDS = ("NOT", "NULL", "COMMENT", "PRIMARY", "UNIQUE", "COLLATE", "WITH", "MASKING")


def _default(tokens: Tokens) -> str:
    """An expression up to the next column clause."""
    parts: list[Token] = []
    first = True
    while not tokens.done and not tokens.at(","):
        token = tokens.peek()
        if token is None or (not first and token.kind == "word" and token.value in _CLAUSE_WORDS):
            break
        if tokens.at("("):
            inner = tokens.parenthesised()
            parts.extend([Token("symbol", "(", "(", 0, 0), *inner, Token("symbol", ")", ")", 0, 0)])
        else:
            parts.append(tokens.next())
        first = False
    return " ".join(token.text for token in parts)


def _identity(tokens: Tokens) -> str:
    tokens.next()
    if tokens.at("("):
        inside = " ".join(token.text for token in tokens.parenthesised())
        return f" AUTOINCREMENT ({inside})"
    start = step = "1"
    if tokens.accept("START"):
        tokens.accept("WITH")
        tokens.accept("=")
        start = tokens.next().value
    if tokens.accept("INCREMENT"):
        tokens.accept("BY")
        tokens.accept("=")
        step = tokens.next().value
    tokens.accept("ORDER") or tokens.accept("NOORDER")
    return f" AUTOINCREMENT ({start}, {step})"
