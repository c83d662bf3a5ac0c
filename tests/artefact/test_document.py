"""A plan comes back from its JSON as it went in: what an apply compares with must not differ by its journey."""

from __future__ import annotations

import json
from dataclasses import replace

from modules.artefact.document import from_document, to_document
from modules.terraform.compare import differences
from tests.artefact.support import whole_plan


def test_a_plan_survives_the_way_through_json_whole() -> None:
    plan = whole_plan()
    back = from_document(json.loads(json.dumps(to_document(plan))))

    without_paths = replace(plan, stacks=tuple(replace(each, plan_file=None) for each in plan.stacks))
    assert back == without_paths
    assert back.to_json() == plan.to_json()
    assert not differences(plan.stacks[0], back.stacks[0])


def test_targets_and_a_destroy_are_kept() -> None:
    plan = whole_plan(destroy=True, offline=True, targets=("topics",))
    back = from_document(json.loads(json.dumps(to_document(plan))))

    assert (back.destroy, back.offline, back.targets) == (True, True, ("topics",))
