"""The Snowflake estate as a Pulumi program, for teams that use Pulumi: `write_project` and what that project imports.

pulumi and pulumi-snowflake come with the extra `pulumi`; nothing else in the product imports them.
"""

from __future__ import annotations

from modules.warehouse.pulumi.project import write_project

__all__ = ["write_project"]
