"""The generic half of a provider plugin: Terraform's protocol 6 over a schema snapshot.

Nothing here knows Kafka, Snowflake or any other service. A provider is a schema snapshot plus a table of `Resource`
implementations (`resource.py`) and of data sources; this package answers Terraform for it. Functions, ephemeral
resources and resource identity are not offered: Terraform is told so and goes on without them.

    schema.py    the snapshot as typed blocks and attributes, and the wire type each one implies
    values.py    msgpack and JSON values with unknowns, exact numbers, sets and dynamics
    plan.py      what a create or an update will look like
    resource.py  what a provider implements
    messages.py  schema and diagnostics as protobuf
    servicer.py  the RPCs
    serve.py     the handshake and the life of a plugin process
"""

from __future__ import annotations
