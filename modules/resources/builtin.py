"""`terraform_data`, the one resource Terraform brings along itself: it has no provider and so no schema snapshot.

Used where a stack has something to say (an address, a setting) and nothing to create, so that a
change of it is a change in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping

from modules.resources.base import Stack
from modules.resources.expressions import Expr

__all__ = ["terraform_data"]


def terraform_data(stack: Stack, id_: str, value: Mapping[str, object]) -> Expr:
    """Declares `terraform_data.<id_>` holding `value` and refers to what it holds."""
    stack.declare("resource", "terraform_data", id_, {"input": dict(value)})
    return Expr.of(f"terraform_data.{id_}.output")
