"""Applications rehearsed on every platform: one that goes takes its own things along, and nobody else's are touched.

What a real account would refuse is not claimed here.
"""

from __future__ import annotations

import pytest

from tests.platforms.conftest import Rehearse
from tests.platforms.golden import cases

WHOLE = ("confluent-dedicated_applications-prod",)
"""Cases of every run; the others in `make soak`."""

OTHERS = [case for case in cases() if "_applications-" in case and case not in WHOLE]

SHARED = ("aws_msk_scram_secret_association.main", 'aws_msk_scram_secret_association.main["main"]')
"""What names all users at once, and so changes with them."""


def test_a_first_plan_says_which_quotas_are_left_out(rehearse: Rehearse) -> None:
    case = "msk-serverless_applications-prod"
    planned = rehearse(case).planned_as_kept()
    assert "the quotas of billing and order-audit are left out: MSK Serverless has no client quotas" in planned.err


@pytest.mark.parametrize("case", [*WHOLE, *(pytest.param(case, marks=pytest.mark.soak) for case in OTHERS)])
def test_an_application_comes_changes_and_goes_without_touching_others(rehearse: Rehearse, case: str) -> None:
    it = rehearse(case)
    folder = it.project.environments / "applications"
    billing, audit = folder / "billing.yaml", folder / "order-audit.yaml"
    planned = it.planned_as_kept()

    assert ("left out" in planned.err) == ("serverless" in case)

    text = audit.read_text()
    audit.unlink()
    assert it.deploy().code == 0
    assert it.plan().code == 0

    audit.write_text(text)
    comes = it.plan()
    assert comes.code == 2, comes.err
    own = {address: kind for address, kind in comes.changes.items() if "order-audit" in address}
    assert set(own.values()) == {"create"} and len(own) >= 3
    assert not [address for address in set(comes.changes) - set(own) if address.partition(": ")[2] not in SHARED]
    assert it.deploy().code == 0
    assert it.plan().code == 0

    billing.write_text(billing.read_text().replace("groups: [billing-, refunds-]", "groups: [billing-]"))
    changed = it.plan()
    assert all("billing" in address for address in changed.changes) and changed.changes, changed.out
    assert it.deploy().code == 0

    billing.unlink()
    goes = it.plan()
    assert goes.code == 2, goes.err
    own = {address: kind for address, kind in goes.changes.items() if "billing" in address}
    assert set(own.values()) == {"delete"}
    assert not [address for address in set(goes.changes) - set(own) if address.partition(": ")[2] not in SHARED]
    assert it.deploy().code == 0
    assert it.plan().code == 0
    assert it.destroy().code == 0
