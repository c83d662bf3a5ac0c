"""Snowpipe Streaming's blob files (`.bdec`, version 3) as Snowflake's Java SDK writes them: encrypted Parquet chunks.

The format is not documented. Read off the wire of `com.snowflake:snowflake-kafka-connector:2.5.0`: a chunk is AES-CTR
under SHA-256(channel key ‖ the blob's path), counting 16-byte blocks from the chunk's place in the file. Its Parquet
columns have the physical types the channel's opening named: VARIANT, ARRAY and OBJECT are JSON text, numbers decimals,
times and timestamps decimal seconds, TIMESTAMP_TZ with its offset packed into the low 14 bits.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from decimal import Context
from typing import Any

from modules.local.standin.columns import ColumnSpec, ColumnType

__all__ = ["PHYSICAL", "BlobError", "decrypt", "describe", "rows_of"]

_BLOCK = 16
_LOB = 16777216
_ZONE_BITS = 14
_DIGITS = Context(prec=40)
PHYSICAL = {
    "VARCHAR": ("TEXT", "LOB"), "VARIANT": ("VARIANT", "LOB"), "OBJECT": ("OBJECT", "LOB"), "ARRAY": ("ARRAY", "LOB"),
    "BINARY": ("BINARY", "LOB"), "NUMBER": ("FIXED", "SB16"), "FLOAT": ("REAL", "DOUBLE"),
    "BOOLEAN": ("BOOLEAN", "SB1"), "DATE": ("DATE", "SB4"), "TIME": ("TIME", "SB8"),
    "TIMESTAMP_NTZ": ("TIMESTAMP_NTZ", "SB16"), "TIMESTAMP_LTZ": ("TIMESTAMP_LTZ", "SB16"),
    "TIMESTAMP_TZ": ("TIMESTAMP_TZ", "SB16"),
}  # fmt: skip
"""A type's logical and physical name in the protocol."""


class BlobError(Exception):
    """A blob that is not what the request says it is."""


def describe(column: ColumnSpec, ordinal: int) -> dict[str, Any]:
    """A column as the answer to opening a channel has it."""
    kind = column.column_type
    logical, physical = PHYSICAL[kind.base]
    precision = scale = length = size = None
    if kind.base == "NUMBER":
        precision, scale = kind.args
    elif kind.base == "TIME" or kind.base.startswith("TIMESTAMP"):
        precision, scale = 0, kind.args[0]
    elif kind.base in ("BOOLEAN", "DATE"):
        precision, scale = 0, 0
    if kind.base == "VARCHAR":
        length, size = kind.args[0], min(kind.args[0] * 4, _LOB)
    elif kind.base == "BINARY":
        length = size = kind.args[0]
    elif physical == "LOB":
        length = size = _LOB
    return {
        "name": column.name if column.name.isupper() and column.name.isidentifier() else _quoted(column.name),
        "type": str(kind),
        "logical_type": logical,
        "physical_type": physical,
        "precision": precision,
        "scale": scale,
        "byte_length": size,
        "length": length,
        "nullable": column.nullable,
        "collation": None,
        "ordinal": ordinal,
    }


def decrypt(data: bytes, key: str, path: str, offset: int) -> bytes:
    """A chunk's Parquet bytes.

    Args:
        data: the chunk as it lies in the file.
        key: the channel's key, base64.
        path: the blob's path as its registration names it.
        offset: where in the file the chunk begins; a multiple of 16.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    derived = hashlib.sha256(base64.b64decode(key) + path.encode()).digest()
    start = (offset // _BLOCK).to_bytes(_BLOCK, "big")
    decryptor = Cipher(algorithms.AES(derived), modes.CTR(start)).decryptor()
    return decryptor.update(data) + decryptor.finalize()


def rows_of(parquet: bytes, columns: Sequence[ColumnSpec]) -> Any:
    """The chunk's rows as an Arrow table: the table's columns in order, named by number, absent ones null.

    Raises:
        BlobError: it is no Parquet file, or has a column the table does not have.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_table(io.BytesIO(parquet))
    except pa.ArrowInvalid as error:
        raise BlobError(f"a chunk is not a Parquet file: {error}") from None
    by_name = {_plain(name): found.column(index).combine_chunks() for index, name in enumerate(found.column_names)}
    unknown = sorted(set(by_name) - {column.name for column in columns})
    if unknown:
        raise BlobError(f"the table has no column {unknown[0]}")
    arrays = []
    for column in columns:
        target, convert = _conversion(column.column_type)
        values = by_name.get(column.name)
        if values is None:
            arrays.append(pa.nulls(found.num_rows, target))
            continue
        try:
            arrays.append(convert(values))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, ValueError) as error:
            raise BlobError(f"column {column.name} ({values.type}) is not {column.type}: {error}") from None
        if not column.nullable and arrays[-1].null_count:
            raise BlobError(f"a missing value for the NOT NULL column {column.name}")
    return pa.table(arrays, names=[str(index) for index in range(len(columns))])


def _conversion(kind: ColumnType) -> tuple[Any, Callable[[Any], Any]]:
    """The Arrow type the engine takes, and how a Parquet column becomes one."""
    import pyarrow as pa

    if kind.base.startswith("TIMESTAMP"):
        stamp = pa.timestamp("us", None if kind.base == "TIMESTAMP_NTZ" else "UTC")
        unpack = _instants if kind.base == "TIMESTAMP_TZ" else _micros
        return stamp, lambda values: unpack(values).cast(stamp)
    if kind.base == "TIME":
        return pa.time64("us"), lambda values: _micros(values).cast(pa.time64("us"))
    simple: dict[str, Any] = {
        "FLOAT": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "BINARY": pa.binary(),
    }  # fmt: skip
    target = pa.decimal128(*kind.args) if kind.base == "NUMBER" else simple.get(kind.base, pa.string())
    return target, lambda values: values.cast(target)


def _micros(values: Any) -> Any:
    """Decimal seconds as whole microseconds; finer digits are cut off, as the engine keeps none."""
    import pyarrow as pa

    scaled = values.cast(pa.decimal128(38, 6), safe=False)
    # The same bytes read as a decimal without a fraction are the microseconds.
    return pa.Array.from_buffers(pa.decimal128(38, 0), len(scaled), scaled.buffers(), offset=scaled.offset).cast(
        pa.int64()
    )


def _instants(values: Any) -> Any:
    """Microseconds of packed values: the column's units since the epoch above, the offset in the low 14 bits."""
    import pyarrow as pa

    scale = values.type.scale
    shift = 10 ** abs(scale - 6)
    micros: list[int | None] = []
    for value in values.to_pylist():
        units = None if value is None else int(value.scaleb(scale, _DIGITS)) >> _ZONE_BITS
        micros.append(units if units is None else units * shift if scale < 6 else units // shift)
    return pa.array(micros, pa.int64())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(name: str) -> str:
    """A column's name without the quotes the SDK keeps."""
    return name[1:-1].replace('""', '"') if len(name) > 1 and name[0] == name[-1] == '"' else name
