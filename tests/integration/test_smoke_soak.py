"""A million messages: flat memory, none unaccounted for; and the engine beside Kafka's own tool. Run by `make soak`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modules.environment import load_environment
from modules.platforms import platform_for
from tests.integration.conftest import new_project
from tests.integration.program import Infra, up_and_deployed
from tests.integration.smoke_parts import everything_is_accounted_for, smoke_watched

pytestmark = [pytest.mark.platform, pytest.mark.soak, pytest.mark.timeout(3600)]

MB = 2**20


@pytest.fixture(scope="module")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infra]:
    with up_and_deployed(new_project(tmp_path_factory.mktemp("million"))) as infra:
        yield infra


def test_a_million_messages_are_all_accounted_for_in_memory_that_stays_flat(infra: Infra) -> None:
    count = 1_000_000
    # The deadline is beyond any lag of this machine: what is not back by then is lost in earnest.
    watched = smoke_watched(
        infra.project, "--count", str(count), "--rate", "2500", "--warmup", "2000", "--deadline", "50m"
    )
    # From a quarter of the time on to the last tenth, in which the figures are computed.
    middle = watched.memory[len(watched.memory) // 4 : len(watched.memory) * 9 // 10]
    grown = max(middle) - middle[0]
    stages = {name: (stage["p50_ms"], stage["p99_ms"]) for name, stage in watched.report["stages"].items()}
    print(f"{watched.peak / MB:.0f} MB at most, {grown / MB:.1f} MB more in the middle; p50 and p99 in ms: {stages}")
    everything_is_accounted_for(watched, count)
    assert watched.peak <= 250 * MB
    assert grown < 40 * MB


def test_the_mean_is_that_of_kafkas_own_tool(infra: Infra) -> None:
    from bench.smoke import latency_rounds, median_ratio

    settings = platform_for(load_environment(infra.project, "local"), infra.project).kafka_client("admin")
    rounds = list(latency_rounds(settings, rounds=7))
    figures = [(one.tool_mean, one.mean, one.sender_late) for one in rounds]
    print(f"ratio {median_ratio(rounds):.3f}; the tool's mean, ours, how late the sender was: {figures}")
    assert median_ratio(rounds) <= 1.15, figures
