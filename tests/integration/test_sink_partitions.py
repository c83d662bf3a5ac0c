"""A topic that gets another partition while its sink runs."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from modules.connectors.sink.kafka import Source
from tests.integration.conftest import RunningPlatform
from tests.integration.pipeline_parts import make_pipeline

pytestmark = [pytest.mark.platform, pytest.mark.timeout(300)]


def test_the_ends_of_a_partition_that_was_added_are_found(local_platform: RunningPlatform) -> None:
    pipeline = make_pipeline(local_platform, "grows", partitions=1)
    source = Source(pipeline.settings, lambda _: None, lambda _: None, lambda _: None)
    try:
        assert source.bounds(0) == (0, 0)
        admin = AdminClient(pipeline.platform.kafka_client("admin"))
        for made in admin.create_partitions([NewPartitions(pipeline.topic, 2)]).values():
            made.result(20)
        # Its client has learnt the topic with one partition and would go on to say that there is no other.
        assert source.bounds(1) == (0, 0)
    finally:
        source.close()
