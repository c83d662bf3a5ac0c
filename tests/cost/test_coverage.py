"""The report against what is synthesised, for every case of every platform: nothing billed is left out, and what is
counted is there as often as the report says. The synth is the golden one, which another test holds against the code.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from modules.cost.coverage import load_coverage
from modules.cost.report import Report, report
from modules.cost.units import HOURS_PER_MONTH
from modules.environment.loader import load_environment
from tests.platforms.golden import cases, golden, project_of

CASES = cases()
COVERAGE = load_coverage()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Any:
    @cache
    def of(case: str) -> Report:
        project, name = project_of(case, tmp_path_factory.mktemp(case))
        return report(load_environment(project, name))

    return of


@cache
def resources(case: str) -> tuple[tuple[str, str, dict[str, Any], int], ...]:
    """Type, name, arguments and number of instances of each resource of all stacks."""
    found = []
    for document in golden(case).values():
        local = document.get("locals", {})
        for type_, named in document.get("resource", {}).items():
            found += [(type_, name, body, instances(body, local)) for name, body in named.items()]
    return tuple(found)


def instances(body: dict[str, Any], local: dict[str, Any]) -> int:
    given = body.get("for_each")
    if given is None:
        assert "count" not in body, "collections are for_each here"
        return 1
    if named := re.fullmatch(r"\$\{local\.([\w-]+)\}", given):
        return len(local[named[1]])
    listed = re.fullmatch(r"\$\{toset\((\[.*\])\)\}", given)
    assert listed, f"how many are in {given}?"
    return len(json.loads(listed[1]))


def bodies(case: str, type_: str, pattern: str = "") -> list[tuple[dict[str, Any], int]]:
    return [
        (body, number) for kind, name, body, number in resources(case) if kind == type_ and name.startswith(pattern)
    ]


def quantity(found: Report, *names: str) -> Decimal:
    """The amounts of these lines; 0 where there are none of them."""
    return sum((each.quantity.amount for each in found.estimate.lines if each.id in names), Decimal(0))


@pytest.mark.parametrize("case", CASES)
def test_every_resource_is_priced_free_or_named_as_not_estimated(case: str, reports: Any) -> None:
    found: Report = reports(case)
    lines = {each.id for each in found.estimate.lines}
    told = " ".join(found.estimate.notes)
    open_ = []
    for type_, name, _, _ in resources(case):
        covered = COVERAGE.of(type_, name)
        if covered is None:
            open_.append(f"{type_}.{name}: coverage.yaml does not know it: which line pays for it, or why is it free?")
        elif covered.lines and not covered.paid_by(lines) and not covered.unless:
            open_.append(f"{type_}.{name}: the report has none of the lines {', '.join(covered.lines)}")
        elif not covered.lines and not covered.free and type_ not in told:
            open_.append(f"{type_}.{name}: it is not estimated, so the report's notes have to name {type_}")
    assert not open_, "\n".join(sorted(open_))


@pytest.mark.parametrize("case", CASES)
def test_what_a_line_counts_is_there_as_often(case: str, reports: Any) -> None:
    found: Report = reports(case)
    counts = {each.id: each.count for each in found.estimate.lines if each.count is not None}
    made: Counter[str] = Counter()
    for type_, name, _, number in resources(case):
        covered = COVERAGE.of(type_, name)
        if covered and covered.counted:
            made.update({line: number for line in covered.lines if line in counts})
    # A line whose resource no stack makes yet counts nothing that could be held against it.
    kinds = {type_ for each in CASES for type_, _, _, _ in resources(each)}
    awaited = {line for key in AWAITED - kinds for line in COVERAGE.resources[key].lines}
    assert dict(made) == {line: count for line, count in counts.items() if line not in awaited}


@pytest.mark.parametrize("case", CASES)
def test_no_line_is_without_a_resource_or_a_reason(case: str, reports: Any) -> None:
    found: Report = reports(case)
    assert [each.id for each in found.estimate.lines if not COVERAGE.speaks_of(each.id)] == []


def test_nothing_is_spoken_of_that_no_report_and_no_stack_has(reports: Any) -> None:
    lines = {each.id for case in CASES for each in reports(case).estimate.lines}
    kinds = {(type_, name) for case in CASES for type_, name, _, _ in resources(case)}
    known = {
        key
        for key in COVERAGE.resources
        for type_, name in kinds
        if COVERAGE.of(type_, name) is COVERAGE.resources[key]
    }
    assert set(COVERAGE.resources) - known <= AWAITED
    assert COVERAGE.lines - lines <= AWAITED_LINES


AWAITED: frozenset[str] = frozenset(
    ["aws_s3_bucket", "aws_s3_bucket_public_access_block", "aws_s3_bucket_versioning", "aws_s3_object"]
)
"""Entries for resources that no case has yet."""

AWAITED_LINES = {
    "capture.memory", "capture.vcpu", "confluent.flink", "confluent.package", "connect.address", "connect.plugins",
    "connect.secret",
    "snowflake.cloud_services", "snowflake.transfer", "snowflake.warehouse.*", "source.address", "source.memory",
    "source.vcpu",
}  # fmt: skip
"""Settings that no case has; tests of the estimators have them."""


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("confluent")])
def test_sizes_are_those_of_the_stacks(case: str, reports: Any) -> None:
    """Disks, instance types, tasks, databases and zones, as the golden Terraform JSON has them."""
    found: Report = reports(case)

    disks = sum(body["size"] * number for body, number in bodies(case, "aws_ebs_volume"))
    roots = sum(body["root_block_device"]["volume_size"] for body, _ in bodies(case, "aws_instance"))
    services = [body for body, _ in bodies(case, "aws_ecs_service", "broker")]
    volumes = [
        each["volume_configuration"]["managed_ebs_volume"] for each in services if "volume_configuration" in each
    ]
    assert disks + sum(each["size_in_gb"] for each in volumes) == quantity(found, "redpanda.disks")
    assert roots == quantity(found, "redpanda.root_disks")

    types = {body["instance_type"] for body, _ in bodies(case, "aws_instance")}
    priced = [each.price.id for each in found.estimate.lines if each.id == "redpanda.instances"]
    assert [f"aws.ec2.{each}" for each in types] == priced
    assert {body["monitoring"] for body, _ in bodies(case, "aws_instance")} <= {
        bool(quantity(found, "redpanda.monitoring"))
    }

    for body, _ in bodies(case, "aws_msk_cluster"):
        nodes = body["broker_node_group_info"]
        line = next(each for each in found.estimate.lines if each.id == "msk.brokers")
        assert line.price.id == f"msk.{nodes['instance_type']}"
        assert line.quantity.amount == body["number_of_broker_nodes"] * HOURS_PER_MONTH
        if storage := nodes.get("storage_info"):
            each = storage["ebs_storage_info"]["volume_size"]
            assert quantity(found, "msk.storage") == each * body["number_of_broker_nodes"]
        assert (body["enhanced_monitoring"] != "DEFAULT") == bool(quantity(found, "msk.metrics"))

    for body, _ in bodies(case, "aws_db_instance"):
        copies = 2 if body["multi_az"] else 1
        line = next(each for each in found.estimate.lines if each.id == "registry.database")
        assert line.price.id == f"aws.rds.{body['instance_class']}"
        assert line.quantity.amount == copies * HOURS_PER_MONTH
        assert quantity(found, "registry.storage") == copies * body["allocated_storage"]

    cores, gib = tasks(case)
    # A task that stands for a process elsewhere is counted as none of the stacks'.
    own = [each.id.partition(".")[0] for each in found.estimate.lines if each.id.endswith(".vcpu") and each.count]
    assert cores * HOURS_PER_MONTH == quantity(found, *(f"{each}.vcpu" for each in own))
    assert gib * HOURS_PER_MONTH == quantity(found, *(f"{each}.memory" for each in own))

    endpoints = sum(
        len(body["subnet_ids"]) * number for body, number in bodies(case, "aws_vpc_endpoint") if "subnet_ids" in body
    )
    assert endpoints * HOURS_PER_MONTH == quantity(found, "network.endpoints", "snowflakelink.endpoint")

    days = {body["retention_in_days"] for body, _ in bodies(case, "aws_cloudwatch_log_group")}
    kept = [re.search(r"× (\d+) d", each.how) for each in found.estimate.lines if each.id.endswith(".logs_kept")]
    assert days == {int(each[1]) for each in kept if each}

    metrics = sum(
        number * (len(body["metric_query"]) - 1 if "metric_query" in body else 1)
        for body, number in bodies(case, "aws_cloudwatch_metric_alarm")
    )
    assert metrics == quantity(found, "aws.alarms")


def tasks(case: str) -> tuple[Decimal, Decimal]:
    """vCPU and GiB of all Fargate tasks that are to run."""
    definitions = {name: body for type_, name, body, _ in resources(case) if type_ == "aws_ecs_task_definition"}
    cores = gib = Decimal(0)
    for type_, name, body, _ in resources(case):
        if type_ == "aws_ecs_service" and body["launch_type"] == "FARGATE":
            task = definitions[re.sub(r"-\d+$", "", name)]
            cores += Decimal(task["cpu"]) / 1024 * body["desired_count"]
            gib += Decimal(task["memory"]) / 1024 * body["desired_count"]
    return cores, gib


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("confluent")])
def test_private_links_have_an_address_in_each_subnet(case: str, reports: Any) -> None:
    found: Report = reports(case)
    zones = sum(len(body["subnet_ids"]) for body, _ in bodies(case, "aws_vpc_endpoint", "confluent"))
    assert zones * HOURS_PER_MONTH == quantity(found, "privatelink.endpoint")


def test_an_entry_says_one_thing(tmp_path: Path) -> None:
    for entry in ("{}", "{free: x, line: y}", "{by: y}", '{free: ""}', "{lines: [y]}"):
        file = tmp_path / "coverage.yaml"
        file.write_text(f"resources: {{aws_vpc: {entry}}}\nbeside: {{}}\n")
        load_coverage.cache_clear()
        with pytest.raises(ValueError, match="aws_vpc: one of"):
            load_coverage(file)


def test_an_entry_with_a_star_speaks_of_many_lines() -> None:
    assert COVERAGE.speaks_of("snowflake.warehouse.transform_wh")
    assert not COVERAGE.speaks_of("msk.somebody")
    covered = COVERAGE.of("snowflake_warehouse", "readers")
    assert covered is not None
    assert covered.paid_by(["snowflake.warehouse.reporting_wh"])
    assert not covered.paid_by(["msk.brokers"])
