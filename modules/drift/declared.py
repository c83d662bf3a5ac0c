"""What an environment's YAML comes to by now, stack by stack, read from the JSON that its stacks synthesised."""

from __future__ import annotations

from collections.abc import Iterable

from modules.errors import SynthError
from modules.terraform.source import Declared, StackSource, declared, read_document

__all__ = ["declared_by"]


def declared_by(waves: Iterable[Iterable[StackSource]]) -> dict[str, dict[str, Declared]]:
    """Stack → address → its declaration.

    Raises:
        SynthError: the JSON is not there.
    """
    found = {}
    for source in (stack for wave in waves for stack in wave):
        try:
            content = source.json_path.read_bytes()
        except OSError as error:
            raise SynthError(
                f"cannot read the synthesised JSON of stack {source.name}: {error.strerror}",
                where=str(source.json_path),
                do="run the command again",
            ) from None
        found[source.name] = {item.address: item for item in declared(read_document(source, content))}
    return found
