"""What loading an environment gives, what `extends` does, and what each mistake is answered with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from modules.environment import list_environments, load_environment
from modules.errors import ConfigError
from modules.project import Project
from tests.environment.conftest import REAL, Write

Refusal = Callable[..., ConfigError]
HEAD = ("extends: base", "platform: local")


def only(error: ConfigError) -> str:
    assert len(error.details) == 1, error.details
    return error.details[0]


@pytest.mark.parametrize("name", ["local", "dev", "staging", "prod"])
def test_every_environment_of_the_project_loads(name: str) -> None:
    environment = load_environment(Project(REAL.parent), name)
    assert environment.name == name
    assert environment.source == f"environments/{name}.yaml"
    assert str(environment.topics["order-events"].retention) == "30d"


def test_base_is_not_an_environment() -> None:
    assert list_environments(Project(REAL.parent)) == ["dev", "local", "prod", "staging"]
    with pytest.raises(ConfigError, match="what environments extend"):
        load_environment(Project(REAL.parent), "base")


@pytest.mark.parametrize("platform", ["confluent", "msk", "redpanda", "local"])
def test_one_line_moves_an_environment_to_another_platform(write: Write, platform: str) -> None:
    text = (REAL / "dev.yaml").read_text()
    assert text.count("platform: confluent") == 1
    environment = load_environment(write(dev=text.replace("platform: confluent", f"platform: {platform}")), "dev")
    assert environment.platform == platform
    assert environment.replication("order-events") == (1 if platform == "local" else 3)


def test_mappings_merge_scalars_replace_and_null_removes(write: Write) -> None:
    project = write(
        middle="extends: base\nworkload: {ingress: 2GB/day}\nbudget: {monthly: 5 USD}\n",
        dev="extends: middle\nplatform: local\nworkload: {fan_out: 3}\nbudget: null\n"
        "topics: {order-events: {sink: null}, clicks: {}}\n",
    )
    environment = load_environment(project, "dev")
    assert str(environment.workload.ingress) == "2GB/day"
    assert environment.workload.fan_out == 3
    assert str(environment.workload.message_size) == "1KiB"
    assert environment.budget is None
    assert environment.topics["order-events"].sink is None
    assert environment.topics["order-events"].key == "order_id"
    assert environment.topics["clicks"].partitions == 6


def test_yaml_is_read_as_version_1_2(write: Write) -> None:
    project = write(
        dev="extends: base\nplatform: local\ntopics:\n  t:\n    partitions: 010\n"
        "    config: {retention.bytes: 1e3, preallocate: false, segment.ms: 1:30, cleanup.policy: on}\n"
    )
    topic = load_environment(project, "dev").topics["t"]
    assert topic.partitions == 10
    assert topic.config == {
        "retention.bytes": "1e3", "preallocate": "false", "segment.ms": "1:30", "cleanup.policy": "on",
    }  # fmt: skip


def test_all_problems_are_told_at_once_in_the_order_of_the_file(refusal: Refusal) -> None:
    error = refusal(
        "extends: base", "platfrom: local", "platform: confluant", "topics:", "  order-events:", "    retention: 30",
        "    key: oder_id", "budget: {monthly: 3}",
    )  # fmt: skip
    assert [line.split(": ")[0] for line in error.details] == [
        f"environments/dev.yaml:{line}" for line in (2, 3, 6, 7, 8)
    ]
    assert error.where == "environments/dev.yaml"
    assert error.do


def test_a_problem_names_the_file_it_was_written_in(refusal: Refusal) -> None:
    error = refusal("extends: middle", "platform: local", middle="extends: base\nworkload:\n  ingress: much\n")
    assert only(error).startswith("environments/middle.yaml:3: workload.ingress: expected a rate such as 1GB/day")


def test_a_value_that_mends_the_extended_file_is_enough(write: Write) -> None:
    project = write(
        middle="extends: base\nworkload: {ingress: much}\n",
        dev="extends: middle\nplatform: local\nworkload: {ingress: 1GB/day}\n",
    )
    assert load_environment(project, "dev").workload.ingress.bytes == 10**9


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["plattform: local"], "dev.yaml:3: plattform: unknown key `plattform`; did you mean `platform`?"),
        (["tier: basic"], "unknown key `tier` here; it belongs under `confluent:`"),
        (["retention: 3d"], "it belongs under `workload:` or under `topics.<name>:`"),
        (["topics: {t: {platform: msk}}"], "it belongs at the top level"),
        (["name: x"], "an environment's name is the name of its file"),
        (["zzzzzz: 1"], "the keys here are alerts, budget, confluent"),
        (["warehouse:"], "warehouse: has no value; write `{}` for the defaults, or `null`"),
        (["connect: sink"], "connect: expected settings (`key: value` lines below it), got text"),
        (["connect: [sink]"], "expected settings (`key: value` lines below it), got a list"),
        (["connect: {kind: mangaed}"], "one of sink, managed, kafka-connect, got 'mangaed'; did you mean `managed`?"),
        (["warehouse: {size: medium}"], "did you mean `MEDIUM`?"),
        (["warehouse: {size: [XSMALL]}"], "expected one of XSMALL, SMALL, MEDIUM, LARGE, XLARGE, got a list"),
        (["topics: {t: {partitions: 0}}"], "topics.t.partitions: expected at least 1, got 0"),
        (["topics: {t: {partitions: yes}}"], "expected a whole number, got 'yes'"),
        (["topics: {t: {partitions: true}}"], "expected a number, got true"),
        (["topics: {t: {partitions: 1.5}}"], "expected a whole number, got 1.5"),
        (["topics: {t: {retention: 30}}"], "got 30 without a unit; write 30d"),
        (["topics: {t: {retention: 0d}}"], "keeps no event"),
        (["topics: {t: {retention: 1.5ms}}"], "not a whole number of the smallest unit"),
        (["topics: {t: {retention: {days: 3}}}"], "expected a duration such as 30d, 12h, 60s or 250ms, got a mapping"),
        (["workload: {ingress: 1GB}"], "expected a rate such as 1GB/day or 5MB/s, got '1GB'"),
        (["workload: {ingress: 0GB/day}"], "must be more than nothing"),
        (["workload: {message_size: 1kb}"], "expected a size such as 1KiB, 500MB or 1GB, got '1kb'"),
        (["workload: {fan_out: lots}"], "expected a number, got 'lots'"),
        (["workload: {fan_out: .nan}"], "workload.fan_out: expected a number"),
        (["budget: {monthly: 300}"], "got 300 without a unit; write 300 USD"),
        (["budget: {monthly: 300 euros}"], "expected"),
        (["slo: {consumed: {p95: 1s, p99: 10ms}}"], "p99 (10ms) is below p95 (1s)"),
        (["topics: {..: {}}"], "Kafka refuses '..' as a topic name"),
        (["topics: {a/b: {}}"], "'/' is not allowed"),
        ([f"topics: {{{'x' * 250}: {{}}}}"], "250 characters; Kafka allows 249"),
        (["topics: {__consumer_offsets: {}}"], "Kafka's own"),
        (["topics: {a.b: {}, a_b: {}}"], "`a_b` and `a.b` collide"),
        (["topics: {order-events.dlq: {}}"], "already makes this topic for its dead letters"),
        (["topics: {order-events_dlq: {}}"], "`order-events_dlq` and `order-events.dlq` collide"),
        (["topics: {t: {replication: 3}}"], "3 replicas need as many brokers; local has 1 here"),
        (["topics: {t: {config: {min.insync.replicas: 2}}}"], "2 in-sync replicas of 1"),
        (["topics: {t: {config: {min.insync.replica: 1}}}"], "did you mean `min.insync.replicas`?"),
        (["topics: {t: {config: {retention.ms: 1}}}"], "set this by `retention` of the topic"),
        (["topics: {t: {sink: {table: A.B.C}}}"], "a sink needs the value's schema"),
        (["topics: {order-events: {sink: {table: A.B}}}"], "expected DATABASE.SCHEMA.TABLE"),
        (["topics: {order-events: {sink: {}}}", "# no", "extends2: x"], "unknown key `extends2`"),
        (["topics: {order-events: {key: orderid}}"], "has no field `orderid`; did you mean `order_id`?"),
        (["topics: {order-events: {value: {schema: nope.avsc}}}"], "cannot read environments/nope.avsc: No such"),
        (["topics: {? [a] : {}}"], "a key must be a word"),
        (["warehouse: {<<: {}}"], "`<<` is not supported"),
        (["local: {kafka_port: 80}"], "local.kafka_port: expected at least 1024, got 80"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_its_place_and_a_remedy(refusal: Refusal, lines: list[str], expected: str) -> None:
    error = refusal(*HEAD, *lines)
    assert expected in only(error)
    assert only(error).startswith("environments/dev.yaml:")


def test_a_key_given_twice_is_refused(refusal: Refusal) -> None:
    assert only(refusal(*HEAD, "connect: {tasks: 1}", "connect: {tasks: 2}")) == (
        "environments/dev.yaml:4: connect: given twice; it is already on line 3. Keep one"
    )


def test_a_missing_platform_lists_the_choices(refusal: Refusal) -> None:
    assert only(refusal("extends: base")) == (
        "environments/dev.yaml:1: platform: missing; write one of confluent, msk, redpanda, local"
    )


@pytest.mark.parametrize(
    ("text", "where", "do"),
    [
        ("platform: local\n\tconnect: {}\n", "environments/dev.yaml:2:1", "spaces"),
        ("platform: local\nconnect: {kind: sink\nbudget: x\n", "environments/dev.yaml:3", "close every {"),
        ("platform: a: b\n", "environments/dev.yaml:1:12", "quotes"),
        ("platform: 'local\n", "environments/dev.yaml:2", "quotation mark"),
        ("platform: local\n  connect: {}\n", "environments/dev.yaml:2", "indent"),
        ("platform: *nowhere\n", "environments/dev.yaml:1:11", "anchor"),
        ("platform: local\n---\nplatform: msk\n", "environments/dev.yaml:2", "---"),
        ("", "environments/dev.yaml", "platform: local"),
        ("# only a comment\n", "environments/dev.yaml", "platform: local"),
        ("- a\n- b\n", "environments/dev.yaml:1", "key: value"),
        ("local\n", "environments/dev.yaml:1", "key: value"),
        ("platform: lo\x07cal\n", "environments/dev.yaml:1", "take it out"),
        ("platform: &a [*a]\n", "environments/dev.yaml:1", "write the values out"),
        ("platform: " + "[" * 300_000, "environments/dev.yaml:1", "flatter"),
        ("- " * 300_000, "environments/dev.yaml:1", "flatter"),
        ("platform: local\nextends: [base]\n", "environments/dev.yaml:2", "extends: base"),
        ("platform: local\nextends: base.yaml\n", "environments/dev.yaml:2", "extends: base"),
        ("extends: bsae\nplatform: local\n", "environments/dev.yaml:1", "did you mean `base`?"),
        ("extends: dev\nplatform: local\n", "environments/dev.yaml:1", "take one `extends` out"),
    ],
)
def test_what_cannot_be_read_is_told_with_line_and_column(write: Write, text: str, where: str, do: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_environment(write(dev=text), "dev")
    assert str(caught.value.where).startswith(where)
    assert do in str(caught.value.do)


def test_extends_in_a_circle_names_the_circle(write: Write) -> None:
    project = write(dev="extends: a\n", a="extends: b\n", b="extends: a\n")
    with pytest.raises(ConfigError, match="a → b → a"):
        load_environment(project, "dev")


def test_an_unknown_environment_lists_those_there_are(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_environment(write(dev="platform: local\n", prod="platform: local\n"), "pord")
    assert caught.value.do == "did you mean `prod`? choose one of: dev, prod"
    for name in ("../dev", "dev.yaml", "", "dev/x", "a\nb"):
        with pytest.raises(ConfigError, match="no environment"):
            load_environment(Project(REAL.parent), name)


def test_a_file_ending_in_yml_is_named(write: Write) -> None:
    project = write(dev="platform: local\n")
    (project.environments / "test.yml").write_text("platform: local\n")
    with pytest.raises(ConfigError, match=r"ends with \.yml"):
        load_environment(project, "test")


def test_a_file_that_is_not_text_or_not_a_file_is_told(write: Write) -> None:
    project = write()
    (project.environments / "latin.yaml").write_bytes(b"platform: local\n# caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load_environment(project, "latin")
    assert caught.value.where == "environments/latin.yaml:2"
    (project.environments / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot read the file: Is a directory"):
        load_environment(project, "folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_told(write: Write) -> None:
    project = write(dev="platform: local\n")
    (project.environments / "dev.yaml").chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        load_environment(project, "dev")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("{", "order.avsc:1:2 is not JSON"),
        ("", "order.avsc:1:1 is not JSON"),
        ('{"type": "record", "name": "A"}', "is not a valid Avro schema: `fields` is missing"),
        ('{"type": "record", "name": "A", "fields": [{"name": "a", "type": "strin"}]}', "not a valid Avro schema"),
        ('"string"', "is not a record"),
        ('["null", "string"]', "is not a record"),
        (
            '{"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}',
            "twice",
        ),
        ("[1]", "not a valid Avro schema"),
    ],
)
def test_a_bad_schema_file_is_named_with_the_reason(write: Write, schema: str, expected: str) -> None:
    project = write(
        dev="extends: base\nplatform: local\ntopics: {order-events: {value: {schema: schemas/order.avsc}}}\n"
    )
    (project.environments / "schemas" / "order.avsc").write_text(schema)
    with pytest.raises(ConfigError) as caught:
        load_environment(project, "dev")
    assert expected in only(caught.value)
    assert only(caught.value).startswith("environments/dev.yaml:3: topics.order-events.value.schema: ")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write) -> None:
    project = write()
    (project.environments / "dev.yaml").write_bytes(b"\xef\xbb\xbfextends: base\r\nplatform: local\r\n")
    assert load_environment(project, "dev").platform == "local"


def test_loading_a_thousand_topics_takes_a_fraction_of_importing_cdktf(write: Write, tmp_path: Path) -> None:
    topics = "".join(f"  t{n}: {{partitions: {n % 9 + 1}, retention: 7d}}\n" for n in range(1000))
    environment = load_environment(write(dev=f"extends: base\nplatform: local\ntopics:\n{topics}"), "dev")
    assert len(environment.topics) == 1002  # with the smoke topic


def test_whatever_is_damaged_the_answer_is_an_environment_or_one_error(write: Write) -> None:
    """Random damage from a fixed seed: a traceback of any other kind is a defect."""
    whole = (REAL / "base.yaml").read_text() + "platform: msk\nbudget: {monthly: 300 USD}\nlocal: {kafka_port: 9092}\n"
    pieces = [
        *"{}[]:'\"|%@\t~é\x00",
        "- ",
        "\n",
        "  ",
        "null",
        "1e9999",
        "-1",
        "&a ",
        "*a",
        "!!int ",
        "<<: ",
        "? ",
        "9" * 50,
    ]
    random = Random(3)
    project = write()
    refused = 0
    for _ in range(400):
        damaged = list(whole)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(damaged))
            damaged[at : at + random.choice((0, 1, 8))] = random.choice(pieces)
        (project.environments / "dev.yaml").write_text("".join(damaged))
        try:
            load_environment(project, "dev")
        except ConfigError as error:
            assert error.do
            refused += 1
    assert refused > 200
