"""The bundled Terraform provider plugins of the `local` environment, written in Python.

They answer to the official source addresses and do real work against the local services (the AdminClient, the
registry's REST API, SQL over the Snowflake connector), so stack code is the same in every environment. They serve
only the resources this project uses; everything they print calls them bundled. `terraform.providers: official` in the
YAML goes without them.

    protocol/        Terraform's plugin protocol for any provider
    kafka/           mongey/kafka: topics, ACLs
    schemaregistry/  cultureamp/schemaregistry: schemas
    snowflake/       snowflakedb/snowflake: the estate's objects and grants
    mirror.py        a filesystem mirror from which `terraform init` installs them
    host.py          all of them in one process, for Terraform to attach to

Importing this package must stay cheap: every plugin process does.
"""

from __future__ import annotations

from modules.local.plugins.mirror import BUNDLED, write_mirror

__all__ = ["BUNDLED", "write_mirror"]
