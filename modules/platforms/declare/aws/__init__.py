"""What the platforms in AWS share: provider, network, secrets, certificates, registry, alarms."""

from __future__ import annotations

from modules.platforms.declare.aws.network import NetworkRefs, declare_network
from modules.platforms.declare.aws.provider import aws_provider, name_tag
from modules.platforms.declare.aws.secrets import KeyRef, Logins, declare_key, declare_logins
from modules.platforms.declare.aws.security import Rule, client_rules, declare_security_group

__all__ = [
    "KeyRef",
    "Logins",
    "NetworkRefs",
    "Rule",
    "aws_provider",
    "client_rules",
    "declare_key",
    "declare_logins",
    "declare_network",
    "declare_security_group",
    "name_tag",
]
