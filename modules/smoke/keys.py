"""Keys that reach every partition evenly.

Which partition a key belongs to is the client's partitioner's decision; librdkafka's are computed here the same way, so
that the events of a run can take turns over all partitions. What was in fact reached is counted from the broker's
answers, so nothing rests on this being right.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

__all__ = ["DEFAULT_PARTITIONER", "partition_for", "spread"]

DEFAULT_PARTITIONER = "consistent_random"
PER_PARTITION = 16
_MASK = 0xFFFFFFFF


def spread(partitions: int, make: Callable[[int], bytes], partitioner: str = DEFAULT_PARTITIONER) -> list[bytes]:
    """Keys of which one after the other goes to the next partition; 16 different ones for each.

    Args:
        make: the key of a number.
    """
    found: list[list[bytes]] = [[] for _ in range(partitions)]
    missing = partitions * PER_PARTITION
    number = 0
    # Each key goes anywhere with the same chance; the bound is far beyond what that takes.
    while missing and number < partitions * PER_PARTITION * 1000:
        key = make(number)
        keys = found[partition_for(key, partitions, partitioner)]
        if len(keys) < PER_PARTITION:
            keys.append(key)
            missing -= 1
        number += 1
    return [keys[place] for place in range(PER_PARTITION) for keys in found if place < len(keys)]


def partition_for(key: bytes, partitions: int, partitioner: str = DEFAULT_PARTITIONER) -> int:
    """Where librdkafka's `consistent…` and `murmur2…` send a key; FNV-1a and random ones are not computed here."""
    if partitioner.startswith("murmur2"):
        return (_murmur2(key) & 0x7FFFFFFF) % partitions
    return zlib.crc32(key) % partitions


def _murmur2(data: bytes) -> int:
    """MurmurHash2 with Kafka's seed, as the Java client hashes keys."""
    factor, shift = 0x5BD1E995, 24
    result = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * factor & _MASK
        word = (word ^ word >> shift) * factor & _MASK
        result = (result * factor & _MASK) ^ word
    rest = data[whole:]
    if rest:
        result = (result ^ int.from_bytes(rest, "little")) * factor & _MASK
    result = (result ^ result >> 13) * factor & _MASK
    return result ^ result >> 15
