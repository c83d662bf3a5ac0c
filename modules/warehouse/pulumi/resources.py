"""Makes Pulumi resources: one call each, names that are the objects' own, arguments that are None left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

__all__ = ["Made", "Maker"]

Made = Sequence[Any]
"""Resources that others wait for."""


class Maker:
    """Makes resources of one provider."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def __call__(
        self,
        kind: Any,
        key: str,
        depends_on: Made = (),
        /,
        *,
        ignore_changes: list[str] | None = None,
        **arguments: Any,
    ) -> Any:
        """A resource of a class of pulumi_snowflake, by the name Pulumi shows."""
        given = {key: value for key, value in arguments.items() if value is not None}
        options = pulumi.ResourceOptions(
            provider=self._provider, depends_on=list(depends_on), ignore_changes=ignore_changes
        )
        return kind(key, **given, opts=options)
