"""The screen: a service that does not answer is seen in its own section, and in no other."""

from __future__ import annotations

import pytest
from rich.console import Console

from cli._status_view import screen
from modules.status.gather import Status
from modules.status.metrics import samples
from modules.status.readings import Part, Reached
from modules.status.rules import findings, load_rules
from tests.status.sources import NOW

SECTIONS = {"kafka": "Kafka", "connect": "Connectors", "registry": "Registry", "warehouse": "Warehouse"}


def shown(*silent: str) -> list[str]:
    part = Part(
        reached=tuple(
            Reached(each, f"{each}.example", each not in silent, "no route" if each in silent else None)
            for each in SECTIONS
        )
    )
    taken = samples(part)
    status = Status("dev", "redpanda", NOW, 0.1, part, tuple(taken), findings(load_rules(), taken))
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(screen(status))
    return captured.get().splitlines()


@pytest.mark.parametrize("service", SECTIONS)
def test_a_silent_service_is_marked_where_it_belongs_and_makes_the_whole_unhealthy(service: str) -> None:
    lines = shown(service)
    assert lines[0].startswith("✗ dev  1 problem")
    assert f"  ✗ {service} does not answer" in lines
    assert f"✗ {SECTIONS[service]}" in [line.strip() for line in lines]
    others = [title for name, title in SECTIONS.items() if name != service]
    assert not [line for line in lines for title in others if line.strip() == f"✗ {title}"]
    assert any("no route" in line for line in lines)


def test_all_that_answer_are_well() -> None:
    lines = shown()
    assert lines[0].startswith("✓ dev  healthy")
    assert not [line for line in lines if "✗" in line]
