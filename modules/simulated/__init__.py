"""Simulated provider plugins: any provider of the schema snapshots, without an account, a credential or a network.

They are what `--offline` rehearses with. One generic program (`python -m modules.simulated SOURCE`) takes a provider's
snapshot, lets real Terraform check types, required arguments and nesting against it, invents computed values of the
right shape, and keeps objects in a store of its own, so that a second plan is empty and a destroy removes. What they
cannot do: know what a real account holds, or what a service would refuse.

    formats.yaml   what computed values look like, by resource type and attribute
    replaces.yaml  which arguments replace the object they belong to, with sources
    invent.py      values from those formats, the same for the same arguments
    rules.py       replacement and conflicts, from the table
    store.py       objects between plan, apply and destroy
    documents.py   data sources that are computed, not invented
    provider.py    the provider Terraform talks to
    offline.py     what a rehearsal needs instead of a real platform: plugins, logins, secrets

Importing this package must stay cheap: every plugin process does.
"""

from __future__ import annotations

__all__ = ["LABEL"]

LABEL = "OFFLINE REHEARSAL: simulated providers, nothing real is read or changed"
"""On every screen of a rehearsal."""
