"""Least privilege: what each principal may do, in a table a person can read, and no wildcard without a reason."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from tests.platforms.golden import cases, golden
from tests.platforms.rights import FOLDER, TABLES, WILDCARDS, Right, render, rights_of, unexplained


@pytest.mark.parametrize("case", TABLES)
def test_each_principal_has_the_rights_in_its_table_and_no_others(case: str) -> None:
    kept = (FOLDER / f"{case}.md").read_text()
    assert render(rights_of(golden(case))) == kept, "python -m tests.platforms.rights, if it is meant"


@pytest.mark.parametrize("case", cases())
def test_no_right_is_a_wildcard_without_a_reason(case: str) -> None:
    assert unexplained(rights_of(golden(case))) == []


def test_every_reason_is_of_a_wildcard_that_is_there() -> None:
    given = [str(right) for case in cases() for right in rights_of(golden(case)) if right.wild]
    assert [pattern for pattern in WILDCARDS if not any(fnmatchcase(each, pattern) for each in given)] == []


def test_what_counts_as_a_wildcard() -> None:
    assert Right("x", "read", "topic *").wild
    assert Right("x", "s3:*", "bucket/orders").wild
    assert Right("x", "kafka:ReadData", "*").wild
    assert Right("x", "all", "topic orders").wild
    assert Right("x", "DeveloperRead", "cluster/topic=*").wild
    assert not Right("x", "read", "group orders-*").wild
    assert not Right("x", "read", "topic orders").wild


@pytest.mark.parametrize("case", [case for case in cases("confluent") if "_applications-" not in case])
def test_only_the_deployer_administers_and_only_the_producer_and_the_sink_write(case: str) -> None:
    rights = rights_of(golden(case))
    assert {each.principal for each in rights if each.may == "CloudClusterAdmin"} == {"deployer"}
    writers = {each.principal for each in rights if each.may in ("write", "DeveloperWrite", "create")}
    assert writers <= {"producer", "sink"}
    on = {
        each.on.removeprefix("cluster/").replace("topic=", "topic ") for each in rights if each.principal == "producer"
    }
    assert on == {"topic order-events", "topic _infra_smoke"}
    assert {each.may for each in rights if each.principal == "registry"} == {"DeveloperRead"}


@pytest.mark.parametrize("case", [case for case in cases() if "_applications-" in case])
def test_an_application_has_the_rights_of_its_file_on_every_platform_and_the_others_keep_theirs(case: str) -> None:
    """In the words of ACLs; how IAM says it is in the table."""
    read, write = ("read", "kafka-cluster:ReadData"), ("write", "kafka-cluster:WriteData")
    rights = rights_of(golden(case))

    def on(principal: str, words: tuple[str, ...]) -> set[str]:
        return {
            right.on.replace(" cluster/", " ")
            for right in rights
            if right.principal == principal and right.may in words
        }

    joins = ("read", "kafka-cluster:AlterGroup")
    assert on("billing", write) == {"topic invoices"}
    assert {each for each in on("billing", read) if "topic" in each} == {"topic order-events", "topic order-events.dlq"}
    assert {each for each in on("billing", joins) if "group" in each} == {"group billing-*", "group refunds-*"}
    assert on("order-audit", write) == set()
    assert on("order-audit", (*read, *joins)) == {"topic order-events", "group order-audit-*"}
    assert on("producer", write) == {"topic order-events", "topic invoices", "topic _infra_smoke"}
