"""Documents of smoke runs with latencies as a pipeline has them, computed by the real functions."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any

from modules.environment.model import Slo
from modules.smoke.document import to_json
from modules.smoke.figures import hops, results
from modules.smoke.load import LoadPlan
from modules.smoke.slo import evaluate, verdict
from modules.smoke.stages import Ledger
from tests.smoke.test_report import CASES

__all__ = ["run_of"]

MS = 1_000_000
SLO = Slo.model_validate({"acknowledged": {"p99": "100ms"}, "row_visible": {"p50": "5s", "p95": "10s"}})


def run_of(
    count: int = 4000, *, seed: int = 1, slower: float = 1.0, stall: bool = False, lost: int = 0, name: str = "run"
) -> dict[str, Any]:
    """A run of 200 events a second.

    Args:
        slower: factor on everything behind the acknowledgement.
        stall: the broker answers nothing for 2 s from 8 s on; an open loop sees all of it.
        lost: events among those sent from 12 s on that never become a row.
    """
    chance = random.Random(seed)
    ledger = Ledger(0, count)
    for number in range(count):
        due = number * 5 * MS
        ledger.send(number, due)
        waits = max(0, 10_000 * MS - due) if stall and due >= 8_000 * MS else 0
        acknowledged = chance.lognormvariate(1.0, 0.35) * MS + waits
        consumed = acknowledged + chance.lognormvariate(0.2, 0.4) * MS * slower
        handed = consumed + chance.lognormvariate(4.6, 0.3) * MS * slower
        row = handed + chance.lognormvariate(6.3, 0.25) * MS * slower
        seen = (
            ("acknowledged", acknowledged), ("consumed", consumed), ("handed_over", handed), ("row_visible", row),
            ("committed", consumed + chance.random() * 900 * MS),
        )  # fmt: skip
        for stage, taken in seen:
            if stage == "row_visible" and 2400 <= number < 2400 + lost:
                continue
            ledger.see(stage, number, due + int(taken), key=b"k" if stage == "consumed" else None)
    stages = results(ledger, 30_000 * MS)
    slos = evaluate(SLO, stages)
    subject = dataclasses.replace(
        CASES["met"], run_id=name, plan=LoadPlan(rate=200, count=count, warmup=200), sent=count, stages=stages,
        slos=slos, verdict=verdict(slos, stages, 30_000 * MS), hops=hops(ledger),
    )  # fmt: skip
    return dict(json.loads(json.dumps(to_json(subject))))
