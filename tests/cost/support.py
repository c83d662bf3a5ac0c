"""What the cost tests share: the worked case's month, environments made in a folder of their own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from cli.main import main
from modules.cost.book import load_book
from modules.cost.estimators.base import Assumptions, Inputs
from modules.cost.usage import Usage

ROOT = Path(__file__).resolve().parents[2]
MIB = Decimal(2**20)


def month(**changes: object) -> Usage:
    """The worked case: 1 MiB/s in, read once, 7 days kept, 6 partitions; 2,566.4 GiB a month, 590.6 GiB kept."""
    settings: dict[str, object] = {
        "bytes_per_second": MIB,
        "message_bytes": 1024,
        "fan_out": Decimal(1),
        "retention_days": Decimal(7),
        "compression": Decimal(1),
        "partitions": 6,
        "schemas": 0,
        "sink_share": Decimal(1),
        "connector_tasks": 1,
        "warehouse_size": "xsmall",
        "warehouse_hours_per_day": Decimal(24),
        "snowflake_edition": "standard",
        **changes,
    }
    return Usage(**settings)  # type: ignore[arg-type]


def inputs(usage: Usage | None = None, region: str = "us-east-1", headroom: str = "1") -> Inputs:
    """Inputs with the project's own prices; no headroom, as the worked case has none."""
    return Inputs(usage or month(), load_book(), region, Assumptions(headroom=Decimal(headroom)))


def project_with(folder: Path, name: str, text: str) -> Path:
    """A project folder with one environment and the project's schemas."""
    environments = folder / "environments"
    environments.mkdir(parents=True)
    shutil.copytree(ROOT / "environments" / "schemas", environments / "schemas")
    (environments / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    project: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str, str]:
    """`infra ARGUMENTS` inside a project, 100 columns, no colour: exit code, stdout, stderr."""
    monkeypatch.setenv("INFRA_PROJECT", str(project))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    # Reports say which prices are old by the day they are made: here 2026-11-21.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795219200")
    for name, value in (environment or {}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("INFRA_ENV", raising=False)
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
