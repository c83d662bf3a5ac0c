"""Every resource type of every snapshot goes through real Terraform: created, planned empty, destroyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modules.local.plugins.protocol.schema import load_schema, snapshot_path
from modules.simulated.provider_names import SNAPSHOTS
from tests.simulated.bench import Bench
from tests.simulated.minimal import minimal

# What the snapshots do not know: exactly one of several optional arguments.
NEEDED: dict[str, dict[str, Any]] = {
    "confluent_kafka_cluster": {"basic": {}},
    "aws_route_table_association": {"subnet_id": "subnet-1"},
}


@pytest.mark.parametrize("source", SNAPSHOTS)
def test_every_resource_type_of_a_snapshot_is_created_planned_empty_and_destroyed(source: str, tmp_path: Path) -> None:
    name = SNAPSHOTS[source]
    schema = load_schema(snapshot_path(name))
    bench = Bench(tmp_path, started=True)
    bench.write(
        {
            "terraform": {"required_providers": {name: {"source": source, "version": schema.version}}},
            "provider": {name: minimal(schema.provider, "provider")},
            "resource": {
                kind: {"it": minimal(block, kind, extra=NEEDED.get(kind))} for kind, block in schema.resources.items()
            },
        }
    )
    bench.init()
    out = bench.apply()
    assert f"Resources: {len(schema.resources)} added, 0 changed, 0 destroyed" in out
    assert bench.store.count() == len(schema.resources)
    assert bench.plan() == {}
    bench.destroy()
    assert bench.store.count() == 0
