"""What `infra plan --offline` prints first for every case, held against the kept text."""

from __future__ import annotations

import pytest

from tests.platforms.conftest import Rehearse
from tests.platforms.golden import cases
from tests.platforms.test_applications_offline import WHOLE as APPLICATIONS
from tests.platforms.test_confluent_offline import WHOLE as CONFLUENT
from tests.platforms.test_msk_offline import WHOLE as MSK
from tests.platforms.test_redpanda_offline import WHOLE as REDPANDA

ELSEWHERE = {*CONFLUENT, *MSK, *REDPANDA, *APPLICATIONS}
"""Cases whose whole life is rehearsed in every run, their first plan included."""


@pytest.mark.parametrize("case", sorted(set(cases()) - ELSEWHERE))
def test_a_first_plan_is_what_is_kept(rehearse: Rehearse, case: str) -> None:
    rehearse(case).planned_as_kept()
