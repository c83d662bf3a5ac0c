"""What MSK would refuse, told with the line before anything is asked of it; and what it gets by default."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modules.cost.book import load_book
from modules.cost.catalog import inputs_for, option_of
from modules.cost.estimators.base import copies_on_disk
from modules.cost.lines import Line
from modules.environment import Environment, load_environment
from modules.environment import msk_limits as limits
from modules.environment.msk import registry_database, registry_tasks, storage_ceiling_gib, storage_gib
from modules.errors import ConfigError
from tests.environment.conftest import Write

Refusal = Callable[..., ConfigError]

HEAD = ("extends: base", "platform: msk")
SAFE = "network: {domain: streaming.example.com, zone_id: Z0123456789}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["msk: {mode: serverles}"],
            "3: msk.mode: expected one of provisioned, express, serverless, got 'serverles'; did you mean "
            "`serverless`?",
        ),
        (
            ["msk: {brokers: 4}"],
            "3: msk.brokers: 4 brokers over 3 zones: each zone needs as many; write 3 or 6",
        ),
        (
            ["msk: {brokers: 1}"],
            "3: msk.brokers: 1 broker over 3 zones: each zone needs as many; write 3",
        ),
        (
            ["msk: {broker_type: kafka.m9g.large}"],
            "3: msk.broker_type: MSK provisioned has no broker type `kafka.m9g.large`; did you mean `kafka.m7g.large`?",
        ),
        (
            ["msk: {broker_type: express.m7g.large}"],
            "3: msk.broker_type: `express.m7g.large` is a broker of mode express; provisioned takes kafka.…",
        ),
        (
            ["msk: {mode: express, broker_type: kafka.m7g.large}"],
            "3: msk.broker_type: `kafka.m7g.large` is a broker of mode provisioned; express takes express.…",
        ),
        (
            ["msk: {broker_type: kafka.t3.small}"],
            "3: msk.broker_type: kafka.t3.small cannot run KRaft; write a larger type, or `kafka_version: 3.9.x`",
        ),
        (
            ["msk: {kafka_version: 3.6.0}"],
            "3: msk.kafka_version: MSK provisioned runs 3.9.x.kraft, 4.0.x.kraft, 4.1.x.kraft, 3.9.x (read 2026-11), "
            "not `3.6.0`; did you mean `3.9.x`?",
        ),
        (
            ["msk: {mode: express, kafka_version: 4.1.x.kraft}"],
            "3: msk.kafka_version: MSK express runs 3.9.x, 3.8.x (read 2026-11), not `4.1.x.kraft`",
        ),
        (
            ["msk: {region: us-east-11}"],
            "3: msk.region: MSK is not in region `us-east-11` (AWS's list of 2026-11); did you mean `us-east-1`?",
        ),
        (
            ["msk: {mode: serverless, region: sa-east-1}"],
            "3: msk.region: MSK Serverless is not in region `sa-east-1` (AWS's list of 2026-11); did you mean "
            "`us-east-1`?",
        ),
        (
            ["msk: {brokers: 4}", "network: {zones: 4}"],
            "4: network.zones: MSK provisioned takes 2 or 3 zones, not 4",
        ),
        (
            ["msk: {mode: express, brokers: 4}", "network: {zones: 2}"],
            "4: network.zones: MSK express takes 3 zones, not 2",
        ),
        (
            ["msk: {region: us-west-1}"],
            "3: msk.region: MSK provisioned in us-west-1 takes 2 zones, not 3",
        ),
        (
            ["production: true", "msk: {brokers: 4}", "network: {zones: 2, domain: a.example.com, zone_id: Z012345}"],
            "5: network.zones: production spreads its brokers over 3 zones, not 2",
        ),
        (
            ["msk: {mode: serverless, authentication: scram}"],
            "3: msk.authentication: serverless takes no other login than `iam`; write that, or take the line out",
        ),
        (
            ["msk: {mode: serverless, brokers: 3}"],
            "3: msk.brokers: serverless has no brokers to choose; take the line out",
        ),
        (
            ["msk: {mode: express, storage_per_broker: 1TiB}"],
            "3: msk.storage_per_broker: Express keeps the data itself and has no disks to size; take the line out",
        ),
        (
            ["msk: {storage_per_broker: 20TiB}"],
            "3: msk.storage_per_broker: 20,480 GiB a broker; MSK provisions at most 16,384: more brokers, or Express",
        ),
        (
            ["msk: {storage_ceiling: 20TiB}"],
            "3: msk.storage_ceiling: a disk grows to 16,384 GiB at most, not 20,480",
        ),
        (
            ["msk: {storage_per_broker: 100GiB, storage_ceiling: 50GiB}"],
            "3: msk.storage_ceiling: the ceiling of 50 GiB is below the 100 GiB a disk starts with",
        ),
        (
            ["topics: {order-events: {partitions: 1600}}"],
            "3: topics: 4,803 partition copies are 1,601 a broker; kafka.m7g.large takes 1,500: 4 brokers or more, a "
            "larger type, or fewer partitions",
        ),
        (
            ["msk: {mode: serverless}", "topics: {order-events: {partitions: 2400}}"],
            "4: topics: 2,401 partitions; MSK Serverless takes 2,400: fewer, or another `mode`",
        ),
        (
            ["msk: {mode: serverless}", "topics: {order-events: {config: {segment.ms: 3600000}}}"],
            "4: topics.order-events.config.segment.ms: MSK serverless does not take this setting; it takes "
            + ", ".join(sorted(limits.TOPIC_SETTINGS["serverless"])),
        ),
        (
            ["msk: {mode: serverless}", "topics: {order-events: {config: {min.insync.replicas: 2}}}"],
            "4: topics.order-events.config.min.insync.replicas: MSK serverless fixes this at 2; take the line out",
        ),
        (
            ["msk: {mode: express}", "topics: {order-events: {config: {min.insync.replicas: 1}}}"],
            "4: topics.order-events.config.min.insync.replicas: MSK express fixes this at 2; take the line out",
        ),
        (
            ["production: true", SAFE, "topics: {order-events: {config: {min.insync.replicas: 1}}}"],
            "5: topics.order-events.config.min.insync.replicas: production acknowledges nothing that only one broker "
            "has; write 2, or leave it out",
        ),
        (
            ["production: true", SAFE, "topics: {order-events: {replication: 2}}"],
            "5: topics.order-events.replication: production keeps three copies, not 2",
        ),
        (
            ["production: true"],
            "3: production: production's registry answers by TLS, so its load balancer needs a name: write `domain` "
            "and `zone_id` under `network:`, or `kind: external`",
        ),
        (
            ["msk: {registry: {kind: external}}"],
            "3: msk.registry: an external registry needs its `url`",
        ),
        (
            ["production: true", "msk: {registry: {kind: external, url: 'http://registry.internal'}}"],
            "4: msk.registry.url: production reaches its registry by https",
        ),
        (
            ["msk: {registry: {kind: glue, url: 'https://registry.example.com'}}"],
            "3: msk.registry.url: is for `kind: external`; the registry made here has its own",
        ),
        (
            ["msk: {registry: {kind: glue, tasks: 2}}"],
            "3: msk.registry.tasks: is for `kind: apicurio`; Glue runs nothing of yours",
        ),
        (
            ["msk: {registry: {registry_name: mine}}"],
            "3: msk.registry.registry_name: is for `kind: glue`",
        ),
        (
            ["msk: {registry: {url: 'https://registry.example.com'}}"],
            "3: msk.registry.url: is for `kind: external`; the registry made here has its own",
        ),
        (
            ["msk: {registry: {image: 'quay.io/apicurio/apicurio-registry:latest'}}"],
            "3: msk.registry.image: `latest` is another image tomorrow; pin a version or a digest",
        ),
        (
            ["msk: {alarm_emails: [on-call]}"],
            "3: msk.alarm_emails: 'on-call' is no address",
        ),
        (
            ["msk: {trusted: [orders]}"],
            "3: msk.trusted: 'orders' is no IAM ARN (`arn:aws:iam::…`)",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(refusal: Refusal, lines: list[str], expected: str) -> None:
    assert f"environments/dev.yaml:{expected}" in refusal(*HEAD, *lines).details


def test_all_that_is_wrong_is_told_at_once(refusal: Refusal) -> None:
    error = refusal(
        *HEAD,
        "production: true",
        "msk: {brokers: 4, broker_type: express.m7g.large, region: us-east-11}",
        "network: {cidr: 10.0.0.0/8}",
    )
    keys = sorted(line.split(": ")[1] for line in error.details)
    assert keys == ["msk.broker_type", "msk.brokers", "msk.region", "network.cidr", "production"]
    assert error.what == "environment `dev` has 5 problems"


@pytest.fixture
def load(write: Write) -> Callable[..., Environment]:
    return lambda *lines: load_environment(write(dev="\n".join([*HEAD, *lines]) + "\n"), "dev")


def test_a_mode_has_the_login_the_type_and_the_version_that_suit_it(load: Callable[..., Environment]) -> None:
    found = {
        mode: (its.login, its.broker_type, its.version)
        for mode in ("provisioned", "express", "serverless")
        for its in [load(f"msk: {{mode: {mode}}}").msk]
    }
    assert found["provisioned"] == ("scram", "kafka.m7g.large", "3.9.x.kraft")
    assert found["express"] == ("scram", "express.m7g.large", "3.9.x")
    assert found["serverless"][0] == "iam"


def test_a_disk_starts_with_what_the_cost_report_prices(load: Callable[..., Environment]) -> None:
    for lines in ([], ["workload: {ingress: 3MB/s}"], ["msk: {storage_per_broker: 123GB}"], ["msk: {brokers: 6}"]):
        environment = load(*lines)
        given = environment.msk.storage_per_broker
        inputs = inputs_for(environment, load_book())
        priced, _ = copies_on_disk(inputs, environment.msk.brokers, given.bytes if given else None)
        assert storage_gib(environment) * environment.msk.brokers == priced.amount


def test_a_disk_may_grow_to_four_times_its_start_but_not_beyond_msks_most(load: Callable[..., Environment]) -> None:
    assert storage_ceiling_gib(load("msk: {storage_per_broker: 100GiB}")) == 400
    assert storage_ceiling_gib(load("msk: {storage_per_broker: 10TiB}")) == 16_384
    assert storage_ceiling_gib(load("msk: {storage_per_broker: 100GiB, storage_ceiling: 1TiB}")) == 1_024


def test_production_has_two_registry_tasks_and_a_larger_database(load: Callable[..., Environment]) -> None:
    dev, production = load(), load("production: true", SAFE)
    assert (registry_tasks(dev), registry_database(dev)) == (1, "db.t4g.micro")
    assert (registry_tasks(production), registry_database(production)) == (2, "db.t4g.medium")
    assert registry_tasks(load("msk: {registry: {tasks: 4, database: db.m7g.large}}")) == 4


def test_two_brokers_keep_two_copies(load: Callable[..., Environment]) -> None:
    environment = load("msk: {brokers: 2}", "network: {zones: 2}")
    assert environment.replication("order-events") == 2


def test_serverless_is_in_fewer_regions_and_every_region_of_it_is_one_of_msk() -> None:
    assert set(limits.SERVERLESS_REGIONS) < set(limits.REGIONS)


def test_the_default_version_and_types_are_in_their_tables() -> None:
    assert {"kafka.m7g.large", "kafka.t3.small"} < set(limits.BROKERS["provisioned"])
    assert "express.m7g.large" in limits.BROKERS["express"]
    assert not any(
        version.startswith("4.") and not version.endswith(".kraft") for version in limits.VERSIONS["provisioned"]
    )


def test_glue_takes_no_schema_that_refers_to_another(refusal: Refusal) -> None:
    error = refusal(
        *HEAD,
        "msk: {registry: {kind: glue}}",
        "topics:",
        "  payments:",
        "    value: {schema: schemas/order_events.avsc, references: {com.acme.Money: {schema: schemas/money.avsc}}}",
    )
    assert any(
        "topics.payments.value.references: Glue has no schemas that refer to others" in line for line in error.details
    )


def test_production_with_glue_needs_no_name_for_a_load_balancer_and_costs_no_registry(
    load: Callable[..., Environment],
) -> None:
    glue = load("production: true", "msk: {registry: {kind: glue}}")
    assert glue.msk.registry.registry_name is None
    spared = {line.id for line in lines(load())} - {line.id for line in lines(glue)}
    assert {"registry.vcpu", "registry.memory", "registry.database", "registry.balancer"} <= spared
    # Nothing else in the VPC needs the internet: NAT goes with the tasks whose image it fetched.
    assert "network.nat" in spared
    assert all(each.split(".")[0] in ("registry", "network") for each in spared), spared


def lines(environment: Environment) -> tuple[Line, ...]:
    option = option_of(environment)
    assert option is not None
    inputs = inputs_for(environment, load_book())
    return option.prepare(inputs, environment)(inputs.usage).lines
