"""What a new account has before anyone creates anything: system roles, their hierarchy and rights, a first user.

As in a fresh Snowflake account there is a warehouse COMPUTE_WH that everyone may use.
"""

from __future__ import annotations

import time

from modules.local.standin.catalog import Catalog, Grant, RoleGrant

__all__ = ["bootstrap"]

_SYSTEM_ROLES = {
    "ACCOUNTADMIN": "Account administrator can manage all aspects of the account.",
    "SECURITYADMIN": "Security administrator can manage security aspects of the account.",
    "USERADMIN": "User administrator can create and manage users and roles",
    "SYSADMIN": "System administrator can create and manage databases and warehouses.",
    "PUBLIC": "Public role is automatically available to every user in the account.",
}
_HIERARCHY = (("SECURITYADMIN", "ACCOUNTADMIN"), ("SYSADMIN", "ACCOUNTADMIN"), ("USERADMIN", "SECURITYADMIN"))
_ACCOUNT_RIGHTS = {
    "SYSADMIN": ("CREATE DATABASE", "CREATE WAREHOUSE"),
    "USERADMIN": ("CREATE ROLE", "CREATE USER"),
    "SECURITYADMIN": ("MANAGE GRANTS",),
}
_FIRST_WAREHOUSE = "COMPUTE_WH"


def bootstrap(catalog: Catalog, admin: str, public_key: str) -> None:
    """Make the system objects where absent; `admin` always gets this public key and ACCOUNTADMIN."""
    now = time.time()
    with catalog.change():
        if catalog.get("ACCOUNT", ()) is None:
            catalog.create("ACCOUNT", (), "ACCOUNTADMIN")
        for role, comment in _SYSTEM_ROLES.items():
            if catalog.get("ROLE", (role,)) is None:
                catalog.create("ROLE", (role,), "", comment=comment)
        for role, parent in _HIERARCHY:
            _once(catalog, RoleGrant((role,), "ROLE", (parent,), "", now))
        for role, privileges in _ACCOUNT_RIGHTS.items():
            for privilege in privileges:
                _once(catalog, Grant(privilege, "ACCOUNT", (), (role,), True, "", now))
        if not catalog.of_kind("USER"):
            # Only in a new account: a warehouse someone dropped must not come back.
            catalog.create("WAREHOUSE", (_FIRST_WAREHOUSE,), "ACCOUNTADMIN", props={"WAREHOUSE_SIZE": "XSMALL"})
            catalog.put(Grant("USAGE", "WAREHOUSE", (_FIRST_WAREHOUSE,), ("PUBLIC",), False, "ACCOUNTADMIN", now))
        _ensure_admin(catalog, admin, public_key)


def _ensure_admin(catalog: Catalog, admin: str, public_key: str) -> None:
    user = catalog.get("USER", (admin,))
    if user is None:
        props = {"LOGIN_NAME": admin, "DEFAULT_ROLE": "ACCOUNTADMIN", "DEFAULT_WAREHOUSE": _FIRST_WAREHOUSE}
        user = catalog.create("USER", (admin,), "ACCOUNTADMIN", props=props)
    if user.props.get("RSA_PUBLIC_KEY") != public_key:
        user.props["RSA_PUBLIC_KEY"] = public_key
        catalog.put(user)
    _once(catalog, RoleGrant(("ACCOUNTADMIN",), "USER", (admin,), "", time.time()))


def _once(catalog: Catalog, record: Grant | RoleGrant) -> None:
    shelf = catalog.grants if isinstance(record, Grant) else catalog.role_grants
    if record.key not in shelf:
        catalog.put(record)
