"""The stand-in's fixtures: engines are tried on real ones."""

from __future__ import annotations

from tests.standin.conftest import own_standin

__all__ = ["own_standin"]
