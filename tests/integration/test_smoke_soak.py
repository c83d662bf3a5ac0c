"""A million messages: flat memory, none unaccounted for; and the engine beside Kafka's own tool. Run by `make soak`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modules.platforms import platform_for
from tests.integration.conftest import RunningPlatform, new_project
from tests.integration.program import Infra
from tests.integration.smoke_parts import everything_is_accounted_for, smoke_watched

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(3600)]

MB = 2**20


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    program = Infra(new_project(tmp_path_factory.mktemp("million")))
    try:
        assert program("local", "up").code == 0
        deployed = program("deploy", "--env", "local", "--yes")
        assert deployed.code == 0, deployed.err
        yield program
    finally:
        program("local", "down")


def test_a_million_messages_are_all_accounted_for_in_memory_that_stays_flat(infra: Infra) -> None:
    count = 1_000_000
    # The deadline is beyond any lag of this machine: what is not back by then is lost in earnest.
    watched = smoke_watched(
        infra.project, "--count", str(count), "--rate", "2500", "--warmup", "2000", "--deadline", "50m"
    )
    everything_is_accounted_for(watched, count)
    assert watched.peak <= 250 * MB
    # From a quarter of the time on to the last tenth, in which the figures are computed.
    middle = watched.memory[len(watched.memory) // 4 : len(watched.memory) * 9 // 10]
    assert max(middle) - middle[0] < 40 * MB


def test_the_mean_is_that_of_kafkas_own_tool(local_platform: RunningPlatform) -> None:
    from bench.smoke import latency_rounds, median_ratio

    settings = platform_for(local_platform.environment, local_platform.project).kafka_client("admin")
    rounds = list(latency_rounds(settings, rounds=7))
    assert median_ratio(rounds) <= 1.15, [(one.tool_mean, one.mean, one.sender_late) for one in rounds]
