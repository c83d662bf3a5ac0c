"""What an application may do follows from its file, and nothing else does."""

from __future__ import annotations

from typing import Any

from modules.environment.model import Environment
from modules.topics import AclSpec, QuotaSpec, access_acls, application_subjects, client_roles, quota_specs, sink_acls

ORDERS = {"partitions": 6, "value": {"schema": "schemas/orders.avsc"}, "sink": {"table": "A.B.C"}}


def environment(platform: str = "msk", **applications: Any) -> Environment:
    topics = {"orders": ORDERS, "invoices": {"partitions": 2}, "single": {"partitions": 1}}
    return Environment.model_validate(
        {"name": "x", "source": "x", "platform": platform, "topics": topics, "applications": applications}
    )


BILLING = {"produces": ["invoices"], "consumes": ["orders", "orders.dlq"], "groups": ["billing-", "bill."]}


def test_roles_are_the_fixed_ones_and_then_the_applications() -> None:
    assert client_roles(environment()) == ("producer", "consumer", "sink")
    assert client_roles(environment(billing=BILLING)) == ("producer", "consumer", "sink", "billing")


def test_an_application_writes_and_reads_its_topics_in_its_groups_and_has_no_other_right() -> None:
    without, acls = access_acls(environment()), access_acls(environment(billing=BILLING))
    assert acls[: len(without)] == without
    assert acls[len(without) :] == [
        AclSpec("billing", "Topic", "invoices", "Write"),
        AclSpec("billing", "Topic", "orders", "Read"),
        AclSpec("billing", "Topic", "orders.dlq", "Read"),
        AclSpec("billing", "Group", "billing-", "Read", "Prefixed"),
        AclSpec("billing", "Group", "bill.", "Read", "Prefixed"),
    ]
    assert acls[-2].key == "billing read group billing-*"
    assert sink_acls(environment(billing=BILLING)) == sink_acls(environment())


def test_one_that_only_writes_has_no_groups() -> None:
    acls = access_acls(environment(shop={"produces": ["orders"]}))
    assert [acl for acl in acls if acl.role == "shop"] == [AclSpec("shop", "Topic", "orders", "Write")]


def test_a_quota_is_shared_by_the_brokers_that_can_hold_its_partitions() -> None:
    quota = {"produce": "6MB/s", "consume": "9MB/min"}
    found = quota_specs(
        environment(
            billing={**BILLING, "quota": quota},
            shop={"produces": ["single"], "quota": {"produce": "6MB/s"}},
            audit={"consumes": ["orders"]},
        )
    )
    assert found == [
        QuotaSpec("billing", 6_000_000, 150_000, 3_000_000, 50_000),  # two partitions on two brokers; six on three
        QuotaSpec("shop", 6_000_000, None, 6_000_000, None),
    ]


def test_a_share_is_never_nothing() -> None:
    (spec,) = quota_specs(environment(audit={"consumes": ["orders"], "quota": {"consume": "1B/s"}}))
    assert (spec.consume, spec.consume_share) == (1, 1)


def test_it_needs_the_schemas_of_its_topics_and_what_they_refer_to() -> None:
    reference = {"com.Money": {"schema": "schemas/money.avsc", "subject": "money"}}
    orders = {**ORDERS, "value": {"schema": "schemas/orders.avsc", "references": reference}}
    topics = {"orders": orders, "clicks": {"value": {"schema": "schemas/clicks.avsc"}}, "plain": {}}
    applications = {"a": {"produces": ["orders", "plain"]}, "b": {"consumes": ["clicks"]}}
    env = Environment.model_validate(
        {"name": "x", "source": "x", "platform": "msk", "topics": topics, "applications": applications}
    )
    assert application_subjects(env, "a") == ["money", "orders-value"]
    assert application_subjects(env, "b") == ["clicks-value"]
