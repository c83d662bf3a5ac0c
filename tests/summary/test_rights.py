"""Who may do more or less: read from the changes of Kafka ACLs, role bindings, policies and grants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modules.summary.entries import entries_of
from modules.summary.model import Right
from modules.summary.rights import rights_that_change
from modules.summary.words import right_lines
from tests.summary.support import change, plan_of

ACL = {
    "acl_principal": "User:billing",
    "acl_host": "*",
    "acl_operation": "Read",
    "acl_permission_type": "Allow",
    "resource_type": "Topic",
    "resource_name": "orders",
    "resource_pattern_type_filter": "Literal",
}
CONFLUENT = {
    "principal": "User:sa-1",
    "host": "*",
    "operation": "READ",
    "permission": "ALLOW",
    "resource_type": "GROUP",
    "resource_name": "billing-",
    "pattern_type": "PREFIXED",
}
BINDING = {
    "principal": "User:sa-1",
    "role_name": "DeveloperRead",
    "crn_pattern": "crn://confluent.cloud/organization=o/environment=e/schema-registry=lsrc-2/subject=orders-value",
}
GRANT = {
    "account_role_name": "ANALYST",
    "privileges": ["SELECT", "INSERT"],
    "on_schema_object": [{"object_type": "TABLE", "object_name": '"RAW"."PUBLIC"."ORDERS"', "all": [], "future": []}],
}
FUTURE = {
    "database_role_name": '"RAW"."READ"',
    "privileges": ["SELECT"],
    "on_schema_object": [{"future": [{"object_type_plural": "TABLES", "in_schema": '"RAW"."PUBLIC"'}]}],
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def of(*entries: dict[str, Any]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], list[str]]:
    """Gained, lost, unknown, in short."""
    gained, lost, unknown = rights_that_change(entries_of(plan_of(*entries)))
    short: list[list[tuple[str, ...]]] = [
        [(each.principal, f"{'not ' if each.denied else ''}{each.right}", each.object) for each in side]
        for side in (gained, lost)
    ]
    return short[0], short[1], [each.address for each in unknown]


READ = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/*"}


@pytest.mark.parametrize(
    ("type_", "values", "rights"),
    [
        ("kafka_acl", ACL, [("User:billing", "Read", "topic orders")]),
        (
            "kafka_acl",
            {**ACL, "acl_permission_type": "Deny", "acl_host": "10.0.0.1", "resource_pattern_type_filter": "Prefixed"},
            [("User:billing from 10.0.0.1", "not Read", "topic orders*")],
        ),
        ("confluent_kafka_acl", CONFLUENT, [("User:sa-1", "Read", "group billing-*")]),
        ("confluent_kafka_acl", {**CONFLUENT, "permission": "DENY"}, [("User:sa-1", "not Read", "group billing-*")]),
        (
            "confluent_role_binding",
            BINDING,
            [("User:sa-1", "DeveloperRead", "subject orders-value of schema-registry lsrc-2")],
        ),
        (
            "aws_iam_role_policy",
            {"role": "worker", "policy": policy(READ, {**READ, "Effect": "Deny", "Action": "s3:PutObject"})},
            [
                ("role worker", "s3:GetObject", "arn:aws:s3:::b/*"),
                ("role worker", "not s3:PutObject", "arn:aws:s3:::b/*"),
            ],
        ),
        (
            "aws_iam_policy",
            {"name": "p", "policy": policy({"Effect": "Allow", "NotAction": "iam:*", "NotResource": ["a"]})},
            [("policy p", "all but iam:*", "all but a")],
        ),
        (
            "aws_iam_role",
            {
                "name": "worker",
                "assume_role_policy": policy(
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"AWS": ["arn:aws:iam::111122223333:root"], "Service": "ecs-tasks.amazonaws.com"},
                        "Condition": {"StringEquals": {"sts:ExternalId": "x"}},
                    }
                ),
            },
            [
                ("arn:aws:iam::111122223333:root (with conditions)", "sts:AssumeRole", "role worker"),
                ("ecs-tasks.amazonaws.com (with conditions)", "sts:AssumeRole", "role worker"),
            ],
        ),
        (
            "aws_s3_bucket_policy",
            {"bucket": "b", "policy": policy({**READ, "Principal": "*"})},
            [("*", "s3:GetObject", "arn:aws:s3:::b/*")],
        ),
        (
            "aws_iam_role_policy_attachment",
            {"role": "worker", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            [("role worker", "all that is in", "policy arn:aws:iam::aws:policy/AdministratorAccess")],
        ),
        (
            "snowflake_grant_privileges_to_account_role",
            GRANT,
            [
                ("role ANALYST", "INSERT", "table RAW.PUBLIC.ORDERS"),
                ("role ANALYST", "SELECT", "table RAW.PUBLIC.ORDERS"),
            ],
        ),
        (
            "snowflake_grant_privileges_to_account_role",
            {"account_role_name": "A", "all_privileges": True, "with_grant_option": True, "on_account": True},
            [("role A", "ALL PRIVILEGES with grant option", "the account")],
        ),
        (
            "snowflake_grant_privileges_to_account_role",
            {"account_role_name": "A", "privileges": ["USAGE"], "on_schema": [{"schema_name": '"RAW"."PUBLIC"'}]},
            [("role A", "USAGE", "schema RAW.PUBLIC")],
        ),
        (
            "snowflake_grant_privileges_to_database_role",
            FUTURE,
            [("database role RAW.READ", "SELECT", "future tables in RAW.PUBLIC")],
        ),
        (
            "snowflake_grant_privileges_to_database_role",
            {"database_role_name": '"RAW"."READ"', "privileges": ["USAGE"], "on_database": "RAW"},
            [("database role RAW.READ", "USAGE", "database RAW")],
        ),
        (
            "snowflake_grant_account_role",
            {"role_name": "ANALYST", "user_name": "MO", "parent_role_name": None},
            [("user MO", "all rights of", "role ANALYST")],
        ),
        (
            "snowflake_grant_database_role",
            {"database_role_name": '"RAW"."READ"', "parent_role_name": "ANALYST"},
            [("role ANALYST", "all rights of", "role RAW.READ")],
        ),
        (
            "snowflake_grant_ownership",
            {"account_role_name": "SINK", "on": [{"object_type": "TABLE", "object_name": '"A"."B"."C"'}]},
            [("role SINK", "OWNERSHIP", "table A.B.C")],
        ),
    ],
)
def test_each_kind_is_read_when_it_comes_and_when_it_goes(
    type_: str, values: dict[str, Any], rights: list[tuple[str, ...]]
) -> None:
    assert of(change(f"{type_}.it", ["create"], None, values)) == (rights, [], [])
    assert of(change(f"{type_}.it", ["delete"], values, None)) == ([], rights, [])
    assert of(change(f"{type_}.it", ["update"], values, values)) == ([], [], [])


def test_a_statement_more_in_a_policy_is_all_that_is_gained() -> None:
    more = {**READ, "Action": ["s3:GetObject", "s3:DeleteObject"]}
    sides = [{"role": "worker", "policy": policy(each)} for each in (READ, more)]
    found = of(change("aws_iam_role_policy.it", ["update"], *sides))
    assert found == ([("role worker", "s3:DeleteObject", "arn:aws:s3:::b/*")], [], [])


def test_a_right_that_moves_to_another_address_is_neither_gained_nor_lost() -> None:
    assert of(
        change('kafka_acl.allow["old"]', ["delete"], ACL, None), change('kafka_acl.allow["new"]', ["create"], None, ACL)
    ) == ([], [], [])


def test_a_replaced_grant_gains_and_loses_what_differs() -> None:
    found = of(change("kafka_acl.it", ["delete", "create"], ACL, {**ACL, "acl_operation": "Write"}))
    assert found == ([("User:billing", "Write", "topic orders")], [("User:billing", "Read", "topic orders")], [])


def test_what_only_the_apply_tells_is_said_and_not_guessed() -> None:
    later = change("aws_iam_policy.it", ["update"], {"policy": policy(READ)}, {}, after_unknown={"policy": True})
    secret = change("kafka_acl.it", ["create"], None, ACL, after_sensitive={"acl_principal": True})
    broken = change("aws_iam_policy.b", ["create"], None, {"policy": "no JSON"})
    gained, lost, unknown = of(later, secret, broken)
    assert (gained, lost) == ([], [])
    assert sorted(unknown) == ["aws_iam_policy.b", "aws_iam_policy.it", "kafka_acl.it"]


def test_a_service_account_stands_beside_the_role_it_has() -> None:
    known = change('confluent_kafka_acl.allow["billing read group billing-*"]', ["create"], None, CONFLUENT)
    assert of(known)[0] == [("User:sa-1 (billing)", "Read", "group billing-*")]
    values = {key: value for key, value in CONFLUENT.items() if key != "principal"}
    address = 'confluent_kafka_acl.allow["billing read group billing-*"]'
    unknown = change(address, ["create"], None, values, after_unknown={"principal": True})
    assert of(unknown)[0] == [("billing (its account is still to be made)", "Read", "group billing-*")]


def test_objects_are_shortened_where_nothing_is_hidden_by_it() -> None:
    cluster = "5824639c-4d46-4068-b7d2-b65164ae4d04-2"
    lines = right_lines(
        [
            Right("aws", "arn:aws:iam::1:root", "a:B", f"arn:aws:kafka:us-east-1:1:topic/main/{cluster}/orders"),
            Right("aws", "arn:aws:iam::1:root", "a:B", "arn:aws:kafka:*:*:topic/*"),
            Right("aws", "arn:aws:iam::1:root", "a:B", "arn:aws:iam::1:role/x"),
        ]
    )
    assert lines == [
        (
            "arn:aws:iam::1:root",
            "a:B",
            ("kafka topic/main/5824639c…/orders", "arn:aws:kafka:*:*:topic/*", "arn:aws:iam::1:role/x"),
        )
    ]
