"""Brokers and registry: whatever the platform needs before a topic can exist."""

from __future__ import annotations

from modules.cdk import App
from modules.resources.base import Stack
from stacks.context import Context

__all__ = ["ClusterStack"]


class ClusterStack(Stack):
    """Outputs `bootstrap_servers` and `registry_url`."""

    needs: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()

    def __init__(self, app: App, context: Context) -> None:
        super().__init__(app, "cluster")
        context.declarations.cluster(self)
