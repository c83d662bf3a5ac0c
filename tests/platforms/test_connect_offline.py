"""Connectors of every kind rehearsed by real Terraform with simulated providers, from plan to destroy."""

from __future__ import annotations

import pytest

from tests.platforms.conftest import Rehearse

WHOLE = "connectors-msk_capture-prod"
"""The case that is deployed, changed and destroyed in every run; the others in `make soak`."""

OTHERS = ("connectors-confluent_capture-prod", "connectors-msk_sink-dev", "connectors-redpanda-prod")

CONNECTOR = {
    "connectors-redpanda-prod": 'connect: kafka-connect_connector.connector["streaming-prod-sink-order-events"]',
    "connectors-confluent_capture-prod": 'connect: confluent_connector.sink["order-events"]',
    "connectors-msk_capture-prod": 'connect: aws_mskconnect_connector.sink["order-events"]',
}


@pytest.mark.parametrize("case", [WHOLE, *(pytest.param(case, marks=pytest.mark.soak) for case in OTHERS)])
def test_connectors_are_planned_deployed_changed_and_destroyed(rehearse: Rehearse, case: str) -> None:
    it = rehearse(case)
    it.deployed_as_planned()

    if case in CONNECTOR:
        it.add_to_common("connect: {errors: {tolerance: none}}")
        changed = it.plan()
        assert changed.code == 2, changed.err
        assert changed.changes[CONNECTOR[case]] == "update", changed.changes

    destroyed = it.destroy()
    assert destroyed.code == 0, destroyed.err
