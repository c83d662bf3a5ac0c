"""Network policies at login: may a client with this address come in?

The user's policy counts, else the account's. Blocked lists win over allowed ones; a policy without an allowed list lets
everyone in who is not blocked.
"""

from __future__ import annotations

import ipaddress

from modules.local.standin.catalog import Catalog, Entity
from modules.local.standin.errors import SnowflakeError
from modules.local.standin.tokenizer import Tokens

__all__ = ["admit", "allows"]


def admit(catalog: Catalog, user: Entity, address: str) -> None:
    """Refuse a login from an address the policy does not allow.

    Raises:
        SnowflakeError: 390422.
    """
    account = catalog.get("ACCOUNT", ())
    name = user.params.get("NETWORK_POLICY") or (account.params.get("NETWORK_POLICY") if account else None)
    policy = catalog.get("NETWORK POLICY", (name,)) if name else None
    if policy is not None and not allows(catalog, policy, address):
        raise SnowflakeError(
            390422,
            "08001",
            f"Incoming request with IP/Token {address} is not allowed to access Snowflake. "
            "Contact your account administrator.",
        )


def allows(catalog: Catalog, policy: Entity, address: str) -> bool:
    """Whether a policy lets an address in."""
    allowed, blocked = (_networks(catalog, policy, which) for which in ("ALLOWED", "BLOCKED"))
    client = ipaddress.ip_address(address)
    if any(client in network for network in blocked):
        return False
    restricted = any(policy.props.get(f"ALLOWED_{kind}_LIST") for kind in ("IP", "NETWORK_RULE"))
    return not restricted or any(client in network for network in allowed)


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(catalog: Catalog, policy: Entity, which: str) -> list[_Network]:
    found = list(policy.props.get(f"{which}_IP_LIST", ()))
    for text in policy.props.get(f"{which}_NETWORK_RULE_LIST", ()):
        rule = catalog.get("NETWORK RULE", Tokens(text).name())
        if rule is not None and rule.props.get("TYPE") in ("IPV4", "IPV6"):
            found += rule.props.get("VALUE_LIST", ())
    return [ipaddress.ip_network(text, strict=False) for text in found]
