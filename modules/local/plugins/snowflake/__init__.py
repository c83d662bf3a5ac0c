"""The bundled plugin for `snowflakedb/snowflake`: the estate's objects and grants, through SQL.

Run as `python -m modules.local.plugins.snowflake` by Terraform. Every statement is one that Snowflake itself takes (and
the local stand-in with it). snowflake.connector is imported at the first statement only; that takes a second.

    client.py    one session for all resources
    names.py     identifiers and literals
    objects.py   what databases, schemas, warehouses, roles and users have in common
    account.py   those five
    tables.py    tables and their columns
    grants.py    privileges and role memberships
"""

from __future__ import annotations
