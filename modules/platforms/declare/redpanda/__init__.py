"""Redpanda on ECS, as Terraform: brokers one service each, chained so that they are replaced one at a time.

cluster.py         the platform's declarations: what the stacks call
nodes.py           who the brokers are and what each is told: pure, no Terraform
brokers.py         task definitions, names, services, and the gates between them
machines.py        compute: ec2, a machine and a volume of its own for each broker
security.py        security groups and IAM roles
secrets.py         certificates and logins
registry.py        the load balancer in front of the built-in Schema Registry
"""

from __future__ import annotations

from modules.platforms.declare.redpanda.cluster import RedpandaDeclarations

__all__ = ["RedpandaDeclarations"]
