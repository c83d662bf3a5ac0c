"""Applications are read beside their environment, and everything wrong with them is said at once, with its place."""

from __future__ import annotations

import pytest

from modules.environment import Environment, load_environment
from modules.errors import ConfigError
from modules.project import Project
from tests.environment.conftest import Write

DEV = "extends: base\nplatform: local\n"
ALL = """\
description: Bills what was ordered
owner: billing
produces: [invoices]
consumes: [order-events, order-events.dlq]
groups: [billing-, refunds.]
quota: {produce: 5MB/s, consume: 20MB/s}
environments: [dev, prod]
"""


def project_with(write: Write, dev: str = DEV, **applications: str) -> Project:
    """`billing__two="…"` is the file billing-two.yaml."""
    project = write(dev=dev, prod=DEV)
    folder = project.environments / "applications"
    folder.mkdir(exist_ok=True)
    for name, text in applications.items():
        (folder / f"{name.replace('__', '-')}.yaml").write_text(text)
    return project


def load(write: Write, name: str = "dev", dev: str = DEV, **applications: str) -> Environment:
    return load_environment(project_with(write, dev, **applications), name)


def problems(write: Write, dev: str = DEV, **applications: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(write, dev=dev, **applications)
    return list(caught.value.details)


def at(name: str, line: int, rest: str) -> str:
    return f"environments/applications/{name}.yaml:{line}: {rest}"


def test_without_files_there_are_no_applications(write: Write) -> None:
    assert load_environment(write(dev=DEV), "dev").applications == {}
    assert load(write).applications == {}


def test_an_application_is_read_with_all_it_says(write: Write) -> None:
    invoices = DEV + "topics: {invoices: {}}\n"
    environment = load(write, dev=invoices, billing=ALL, audit="consumes: [order-events]\n")
    assert list(environment.applications) == ["audit", "billing"]
    its = environment.applications["billing"]
    assert (its.description, its.owner, its.produces) == ("Bills what was ordered", "billing", ["invoices"])
    assert its.consumes == ["order-events", "order-events.dlq"]
    assert its.group_prefixes("billing") == ["billing-", "refunds."]
    assert its.quota.produce is not None and its.quota.produce.bytes_per_second == 5_000_000
    assert its.quota.consume is not None and str(its.quota.consume) == "20MB/s"


def test_groups_begin_with_the_name_unless_it_reads_nothing(write: Write) -> None:
    found = load(write, audit="consumes: [order-events]\n", shop="produces: [order-events]\n").applications
    assert found["audit"].group_prefixes("audit") == ["audit-"]
    assert found["shop"].group_prefixes("shop") == []


def test_it_takes_part_in_the_environments_it_names_and_is_not_checked_in_others(write: Write) -> None:
    text = "consumes: [only-in-prod]\nenvironments: [prod]\n"
    assert load(write, later=text).applications == {}
    with pytest.raises(ConfigError) as caught:
        load_environment(project_with(write, later=text), "prod")
    assert list(caught.value.details) == [
        at("later", 1, "consumes.0: there is no topic `only-in-prod`; there are order-events, order-events.dlq")
    ]


def test_keys_are_checked_also_where_it_does_not_take_part(write: Write) -> None:
    assert problems(write, later="consumes: [order-events]\nowners: me\nenvironments: [prod]\n") == [
        at("later", 2, "owners: unknown key `owners`; did you mean `owner`?")
    ]


def test_everything_is_said_at_once_with_its_place(write: Write) -> None:
    found = problems(
        write,
        dev=DEV + "topics: {clicks: {retention: 3}}\n",
        orders="produces: [order-event]\nconsume: [a]\nquota: {produce: 0MB/s, consume: 5}\nenvironments: [dev, prd]\n",
        billing="consumes: order-events\nowner: 5\n",
        silent="owner: nobody\nproduces: []\n",
    )
    assert found[0].startswith("environments/dev.yaml:3: topics.clicks.retention: expected a duration")
    assert found[1:] == [
        at("billing", 1, "consumes: expected a list (`[a, b]`), got 'order-events'"),
        at("billing", 2, "owner: expected text, got 5 (a number)"),
        at("orders", 1, "produces.0: there is no topic `order-event`; did you mean `order-events`?"),
        at("orders", 2, "consume: unknown key `consume`; did you mean `consumes`?"),
        at("orders", 3, "quota.consume: expected a rate such as 1GB/day or 5MB/s, got 5 without a unit; write 5GB/day"),
        at("orders", 3, "quota.produce: 0B/s is less than a byte a second: nothing would pass"),
        at("orders", 4, "environments.1: there is no environment `prd`; did you mean `prod`?"),
        at("silent", 1, "it neither produces nor consumes; write `produces: [<topic>]` or `consumes: [<topic>]`"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name: x\nproduces: [order-events]", 1, "name: unknown key `name`; an application's name is the name of its "
         "file. Take the line out"),
        ("produces: [order-events.dlq]", 1, "produces.0: only the sink writes dead letters to `order-events.dlq`; it "
         "may be read"),
        ("produces:\n- order-events\n- order-events", 3, "produces.1: `order-events` is there twice; keep one"),
        ("produces: [5]", 1, "produces.0: expected text, got 5 (a number)"),
        ("produces: [order-events]\ngroups: [x-]", 2, "groups: groups are for reading, and it consumes nothing; take "
         "them out"),
        ("consumes: [order-events]\ngroups: ['']", 2, "groups.0: an empty beginning is that of every group; write "
         "one, as `billing-`"),
        ("consumes: [order-events]\ngroups: ['a*']", 2, "groups.0: '*' is not allowed in 'a*'; use letters, digits, "
         "`.`, `_` and `-`"),
        ("consumes: [order-events]\nquota: {produce: 1MB/s}", 2, "quota.produce: it produces nothing, so there is "
         "nothing to limit; take it out"),
        ("consumes: [order-events]\nquota: {consume: 1KB/month}", 2, "quota.consume: 1KB/month is less than a byte a "
         "second: nothing would pass"),
        ("consumes: [order-events]\ngroups: [sink-]", 2, "groups.0: groups `sink-…` overlap with `sink-order-events` "
         "of the sink; write others under `groups`"),
        ("consumes: [order-events]\ngroups: [order-events-eu-]", 2, "groups.0: groups `order-events-eu-…` overlap with "
         "`order-events-…` of the consumer; write others under `groups`"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_own_words(write: Write, text: str, line: int, message: str) -> None:
    assert problems(write, billing=text + "\n") == [at("billing", line, message)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sink", "`sink` is a role that every environment has; choose another name for the file"),
        ("orders__registry", "names like `orders-registry` are taken (`kafka-…`, `redpanda-…`, `source-…`, "
         "`…-registry`); choose another one"),
        ("Orders", "an application is named with lower-case letters, digits and `-`, a letter first; rename the file"),
        ("orders__2", "an application's name does not end in `-` and a number, as parts of other names do; rename the "
         "file"),
        ("o" * 33, "the application's name has 33 characters; services leave room for 32"),
    ],
)  # fmt: skip
def test_names_that_clash_or_that_a_service_refuses_are_refused(write: Write, name: str, message: str) -> None:
    assert problems(write, **{name: "produces: [order-events]\n"}) == [at(name.replace("__", "-"), 1, message)]


def test_applications_whose_groups_overlap_are_refused_where_the_second_is_written(write: Write) -> None:
    text = "consumes: [order-events]\n"
    assert problems(write, billing=text, billing__eu=text + "groups: [eu-, billing-eu-]\n") == [
        at("billing-eu", 2, "groups.1: groups `billing-eu-…` and `billing-…` of `billing` overlap: one could join the "
           "other's group")
    ]  # fmt: skip
    assert set(load(write, billing=text, billing__eu="produces: [order-events]\n").applications) == {
        "billing",
        "billing-eu",
    }


def test_an_environment_does_not_hold_applications_itself(write: Write) -> None:
    assert problems(write, dev=DEV + "applications: {billing: {produces: [order-events]}}\n") == [
        "environments/dev.yaml:3: applications: unknown key `applications`; each application has a file of its own, "
        "environments/applications/<name>.yaml"
    ]


def test_a_file_with_the_wrong_ending_is_not_passed_over(write: Write) -> None:
    project = project_with(write)
    (project.environments / "applications" / "billing.yml").write_text("produces: [order-events]\n")
    with pytest.raises(ConfigError) as caught:
        load_environment(project, "dev")
    assert list(caught.value.details) == [
        "environments/applications/billing.yml:1: the file ends with .yml; rename it to .yaml"
    ]


def test_an_empty_file_is_told_what_to_hold(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write, billing="")
    assert (caught.value.where, caught.value.do) == (
        "environments/applications/billing.yaml",
        "write at least `produces: [<topic>]` or `consumes: [<topic>]`",
    )
