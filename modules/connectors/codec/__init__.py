"""Turns a message's bytes into a record: one small interface, one class a wire format.

`confluent.py` is the format that Confluent, Apicurio and Redpanda speak, `glue.py` that of AWS Glue; which one an
environment has is told by its registry. A message that can never be decoded is a `PoisonError`; a registry that cannot
be reached is not the message's fault and is waited for.
"""

from __future__ import annotations

from collections.abc import Callable

from modules.connectors.codec.base import Codec, PoisonError, SchemaCodec
from modules.connectors.codec.confluent import AvroCodec, named_types, registry
from modules.connectors.codec.glue import GlueCodec
from modules.platforms.base import RegistryClient

__all__ = ["AvroCodec", "Codec", "GlueCodec", "PoisonError", "SchemaCodec", "codec_for", "named_types", "registry"]


def codec_for(
    client: RegistryClient, *, patience: float = 300.0, stopping: Callable[[], bool] = lambda: False
) -> Codec:
    """The codec of the registry's own format.

    Args:
        client: where the registry is, and its kind.
        patience: seconds to wait for a registry that does not answer.
        stopping: asked while waiting; true ends the wait at once.
    """
    kind = GlueCodec if client.kind == "glue" else AvroCodec
    return kind(client, patience=patience, stopping=stopping)
