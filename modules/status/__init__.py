"""`infra status`: one look at a deployed environment, from every source that can say something, and what is wrong."""

from __future__ import annotations

__all__: list[str] = []
