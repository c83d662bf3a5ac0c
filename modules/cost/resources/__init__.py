"""Prices the resources of any Terraform plan, state or synthesised stack, from a resource's type and arguments alone.

For what AWS bills by what is there: machines, tasks, disks, brokers, balancers, gateways, endpoints, keys, secrets,
alarms, zones. What is billed by what goes through it is named with its price, since no plan says how much that is; the
workload of `infra cost --env` does. Nothing here runs Terraform or knows of an environment.
"""

from modules.cost.resources.documents import Resource, read_documents
from modules.cost.resources.pricing import Counted, Priced, Pricing, price_resources

__all__ = ["Counted", "Priced", "Pricing", "Resource", "price_resources", "read_documents"]
