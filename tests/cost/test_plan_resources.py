"""`infra cost resources`: the same from a stack as from its plan, and the same as the environment's own report.

The stacks are the golden ones of every platform, which another test holds against the code; the plans are Terraform's
own, made here with simulated plugins, and with the official AWS plugin where INFRA_PLUGIN_DIR has one.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modules.cost.book import PriceBook, Tier, load_book
from modules.cost.lines import Line
from modules.cost.report import report
from modules.cost.resources import Pricing, price_resources, read_documents
from modules.cost.resources.documents import Document, parse_document
from modules.cost.resources.pricing import PRICERS, free_types
from modules.environment.loader import load_environment
from modules.terraform import planning
from tests.platforms.conftest import Rehearse, rehearse
from tests.platforms.golden import GOLDEN, cases, project_of
from tests.platforms.test_msk_moto import plugin_folder

__all__ = ["rehearse"]

CASES = cases()

Sums = dict[tuple[str, str, str], tuple[Decimal, Decimal | None]]
"""Address without key, price and unit → quantity and amount."""


def anywhere() -> PriceBook:
    """The book with every price in every region, so that no case is compared by unknown amounts alone."""
    import dataclasses

    seen: dict[str, Any] = {}
    for price in load_book().prices:
        seen.setdefault(price.id, price if price.known else dataclasses.replace(price, tiers=(Tier(Decimal("0.07")),)))
    regions = tuple(sorted(load_book().regions()))
    return PriceBook(tuple(dataclasses.replace(price, regions=regions) for price in seen.values()))


def stacks(case: str) -> tuple[Document, ...]:
    return read_documents(GOLDEN / case)


def summed(lines: Iterable[Line], address: Callable[[Line], str]) -> Sums:
    found: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        found[address(line), line.price.id, line.quantity.unit].append(line)
    return {
        key: (
            sum((line.quantity.amount for line in group), Decimal(0)),
            None
            if any(line.amount is None for line in group)
            else sum((line.amount for line in group if line.amount is not None), Decimal(0)),
        )
        for key, group in found.items()
    }


def by_block(pricing: Pricing) -> Sums:
    """Sums by block: a stack has one where a plan has its instances."""
    return summed(pricing.lines, lambda line: line.id.rpartition(".")[0].partition("[")[0])


def by_price(lines: Iterable[Line]) -> dict[str, tuple[Decimal, Decimal | None]]:
    return {key[1]: value for key, value in summed(lines, lambda _: "").items()}


# --- a stack and its plan ---


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, Any]]]:
    """Stack → the last JSON that `terraform show` gave of its plan."""
    found: dict[str, dict[str, Any]] = {}
    parse = planning.parse_plan

    def recorded(stack: str, document: dict[str, Any], **rest: Any) -> Any:
        found[stack] = document
        return parse(stack, document, **rest)

    monkeypatch.setattr(planning, "parse_plan", recorded)
    yield found


def test_a_first_plan_is_priced_like_the_stack_it_was_made_from(
    rehearse: Rehearse, shown: dict[str, dict[str, Any]]
) -> None:
    """MSK with Apicurio on ECS, a database, balancer, NAT and alarms: the cluster, before anything is deployed."""
    case = "msk-provisioned-dev"
    assert rehearse(case).plan().code == 2
    book = anywhere()
    (cluster,) = [each for each in stacks(case) if each.file == "cluster.tf.json"]
    planned = price_resources([parse_document(shown["cluster"], "plan.json")], book)
    declared = price_resources([cluster], book)
    assert {"aws_msk_cluster", "aws_ecs_service"} <= {each.type for each in planned.priced}
    assert by_block(planned) == by_block(declared)
    assert planned.total == declared.total
    assert planned.unsupported == declared.unsupported == ()


@pytest.mark.soak
@pytest.mark.parametrize("case", CASES)
def test_what_is_deployed_is_priced_like_the_stacks(
    rehearse: Rehearse, shown: dict[str, dict[str, Any]], case: str
) -> None:
    """Every stack as it was planned with what is before it, and the states."""
    it = rehearse(case)
    assert it.deploy().code == 0
    book = anywhere()
    plans = tuple(parse_document(json.loads(json.dumps(shown[name])), name) for name in sorted(shown))
    planned, declared = price_resources(plans, book), price_resources(stacks(case), book)
    assert by_block(planned) == by_block(declared)
    assert planned.total == declared.total
    assert planned.unsupported == declared.unsupported == ()
    assert [each for each in planned.priced if each.gaps] == []

    states = it.project.root / ".infra" / "offline" / "env" / it.name
    deployed = price_resources(
        [parse_document(json.loads(f.read_text()), f.name) for f in states.glob("*/*.tfstate")], book
    )
    assert by_price(deployed.lines) == by_price(declared.lines)


@pytest.mark.skipif(plugin_folder() is None, reason="no official AWS plugin: INFRA_PLUGIN_DIR names no mirror with it")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", ["provisioned", "express", "serverless"])
def test_a_plan_of_the_official_plugin_is_priced_like_the_stack(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: dict[str, dict[str, Any]]
) -> None:
    from modules.platforms import platform_for
    from modules.terraform.engine import Deployment, Options
    from modules.terraform.providers import ProviderInstallation
    from modules.topics import ROLES
    from stacks import synth
    from tests.platforms.moto_server import serving

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in (
        ("ACCESS_KEY_ID", "testing"),
        ("SECRET_ACCESS_KEY", "testing"),
        ("DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    project, name = project_of("msk-provisioned-dev", tmp_path)
    lines = ["extends: _common", "platform: msk", f"msk: {{mode: {mode}}}"]  # with Apicurio's tasks on ECS
    (project.environments / f"{name}.yaml").write_text("\n".join(lines) + "\n")
    environment = load_environment(project, name)
    (cluster,) = [
        source
        for source in synth(environment, project, platform_for(environment, project), tmp_path / "out")
        if source.name == "cluster"
    ]
    passwords = json.dumps(dict.fromkeys((*ROLES, "registry-database"), "s3cret-for-moto"))
    secrets = {"kafka_passwords": passwords}
    with serving() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        Deployment(
            project, name, [cluster], ProviderInstallation("official", plugin_folder()), Options(secrets=secrets)
        ).plan()
    declared = price_resources(read_documents(cluster.json_path), load_book())
    planned = price_resources([parse_document(shown["cluster"], "plan")], load_book())
    assert by_block(planned) == by_block(declared)
    assert planned.total == declared.total


# --- and the environment's own report ---


@pytest.mark.parametrize("case", CASES)
def test_what_the_stacks_have_costs_what_the_report_says(case: str, tmp_path: Path) -> None:
    """Price by price: the report's lines that stand for something the stacks make, against the resources themselves.

    Traffic is the report's alone; a task that stands for a process elsewhere is no stack's.
    """
    project, name = project_of(case, tmp_path)
    book = anywhere()
    priced = price_resources(stacks(case), book)
    assert priced.unsupported == ()
    traffic = {price.id for each in priced.priced for price in each.by_use} | TRAFFIC
    reported = [
        line
        for line in report(load_environment(project, name), book).estimate.lines
        if line.price.id.startswith(("aws.", "msk.")) and line.price.id not in traffic and line.id != "connect.secret"
    ]
    if not any(line.id == "connect.vcpu" and line.count for line in reported):
        reported = [line for line in reported if line.id not in ("connect.vcpu", "connect.memory", "connect.address")]
    assert by_price(priced.lines) == by_price(reported)


TRAFFIC = {"aws.zone.transfer", "aws.region.transfer", "aws.internet.out"}
"""What is billed by what goes through no resource in particular."""


def test_every_case_together_has_every_type_that_is_billed_by_being_there() -> None:
    met = {resource.type for case in CASES for document in stacks(case) for resource in document.resources}
    aws = {each for each in met if each.startswith("aws_")}
    assert aws <= set(PRICERS) | set(free_types())
    assert {"aws_msk_cluster", "aws_msk_serverless_cluster", "aws_mskconnect_connector", "aws_ecs_service"} <= met
    assert not set(PRICERS) & set(free_types())
