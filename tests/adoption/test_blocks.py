"""How an object that runs already is named to Terraform's import."""

from __future__ import annotations

from modules.adoption.blocks import import_blocks
from modules.adoption.live import LiveCluster, LiveSubject
from modules.terraform.source import declared
from tests.platforms.golden import golden


def test_glues_schemas_are_imported_by_their_arn_and_only_those_that_are_there() -> None:
    document = golden("msk-provisioned_glue-prod")["topics"]
    cluster = {"registry_arn": "arn:aws:glue:us-east-1:123456789012:registry/streaming-prod"}
    live = LiveCluster({}, {"order-events-value": LiveSubject("order-events-value", "AVRO", "{}")})
    found = import_blocks(declared(document), live, cluster)
    assert found == {
        'aws_glue_schema.value["order-events-value"]': (
            "arn:aws:glue:us-east-1:123456789012:schema/streaming-prod/order-events-value"
        )
    }
    assert import_blocks(declared(document), LiveCluster({}, {}), cluster) == {}
