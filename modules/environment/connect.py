"""What carries topics into the warehouse, in the environment model: `connect`, and what is wrong with it.

Which settings each connector takes is data in `connector_settings/`; what they are set to is decided in
`modules/connectors/settings`. Sources, which bring rows into topics, are in `sources.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from modules.environment.connector_settings import CONNECTORS, setting_problem
from modules.environment.document import Problem
from modules.environment.section import Section
from modules.environment.types import SecretRef, Whole

if TYPE_CHECKING:
    from modules.environment.explain import Positions
    from modules.environment.model import Environment

__all__ = [
    "LAPTOP_VERSION", "Autoscale", "Capacity", "Connect", "ConnectErrors", "Kind", "Plugin", "Runner", "Version",
    "check", "kind_of", "plugin_problem", "runs_in_vpc", "sink_class", "sink_on_ecs", "tolerance_of",
    "uses_msk_connect", "version_of", "worker_on_ecs",
]  # fmt: skip

Kind = Literal["sink", "managed", "kafka-connect"]
Runner = Literal["managed", "kafka-connect"]
"""What runs a connector of somebody else's: the platform, or Kafka Connect."""

Version = Literal["v2", "v3", "v4"]

LAPTOP_VERSION: Version = "v2"
"""The newest that Maven Central has with everything it needs: 2.5.0."""

_CLASSIC = "com.snowflake.kafka.connector.SnowflakeSinkConnector"
_STREAMING = "com.snowflake.kafka.connector.SnowflakeStreamingSinkConnector"

_PLUGIN_ENDS = (".zip", ".jar")
_OWN_WORKER = ("bootstrap.servers", "group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic")
"""Settings of a worker that say which cluster it belongs to."""


class ConnectErrors(Section):
    """What happens to an event that cannot be written."""

    tolerance: Literal["all", "none"] | None = Field(
        None,
        description="all: it goes to the dead-letter topic and the rest goes on; none: the connector stops. Default: "
        "all where the topic has a dead-letter topic.",
    )
    log: bool = Field(True, description="Each is logged, without its content.")


class Autoscale(Section):
    """How many workers MSK Connect may run, as they are busy."""

    least: Whole = Field(1, ge=1, le=10, description="Never fewer.")
    most: Whole = Field(2, ge=1, le=10, description="Never more.")
    scale_in: Whole = Field(20, ge=1, le=100, description="Below this share of CPU (%) one is taken away.")
    scale_out: Whole = Field(80, ge=1, le=100, description="Above this share of CPU (%) one is added.")


class Capacity(Section):
    """The size of a connector on MSK Connect."""

    mcu: Literal[1, 2, 4, 8] = Field(1, description="MCUs a worker: each 1 vCPU and 4 GiB.")
    workers: Whole = Field(1, ge=1, le=10, description="How many, unless `autoscale` says.")
    autoscale: Autoscale | None = Field(None, description="Default: a fixed number of workers.")


class Plugin(Section):
    """The connector's program in S3, one archive with everything it needs."""

    file: str | None = Field(
        None, description="A .zip or .jar to upload, relative to the project; into a bucket that is made for it."
    )
    bucket: str | None = Field(
        None, description="The S3 bucket that has it already.", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
    )
    key: str | None = Field(None, description="Its key in that bucket.", min_length=1)


class Connect(Section):
    """What carries events from topics into the warehouse."""

    kind: Kind = Field(
        "sink",
        description="sink: the project's own program; managed: the platform's connector (Confluent's, MSK Connect), "
        "else the project's own; kafka-connect: Snowflake's connector on a Kafka Connect of one's own.",
    )
    tasks: Whole = Field(1, ge=1, description="How many work side by side, for each topic.")
    version: Version | None = Field(
        None,
        description="Snowflake's connector: v2 and v3 (one class), or v4 (Snowpipe Streaming, high performance). "
        "Default: v3. A laptop runs v2.",
    )
    schematization: bool = Field(
        True, description="A field a column, and a new field a new column; false: one column with the whole event."
    )
    errors: ConnectErrors = Field(ConnectErrors(), description="What happens to an event that cannot be written.")
    where: Literal["process", "ecs"] = Field(
        "process",
        description="kind sink: where `infra sink` runs; ecs: as a Fargate task on msk and redpanda, for small loads.",
    )
    image: str | None = Field(
        None,
        description="What runs on ECS, pinned by version or digest. kind sink: this project's; kind kafka-connect: "
        "Apache Kafka's with the connectors in /opt/plugins.",
        pattern=r"^\S+(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$",
    )
    rest_url: str | None = Field(
        None,
        description="kind kafka-connect: a Kafka Connect that is there already, by its REST interface.",
        pattern=r"^https?://[^\s/@]+(/\S*)?$",
    )
    rest_credentials: SecretRef | None = Field(
        None, description="Its login: a secret, a JSON object with `username` and `password`; default: none."
    )
    secrets_version: Whole = Field(
        1, ge=1, description="Raised to write connectors' logins into AWS Secrets Manager anew, after a rotation."
    )
    capacity: Capacity = Field(Capacity(), description="kind managed on msk: workers and their size.")
    plugin: Plugin | None = Field(None, description="kind managed on msk: where Snowflake's connector is.")
    worker: dict[str, str] = Field(
        default_factory=dict, description="Further settings of the workers, as Kafka Connect names them."
    )
    settings: dict[str, str] = Field(
        default_factory=dict,
        description="Further settings of the connector, as it names them; unknown ones are refused.",
    )


def kind_of(environment: Environment) -> Kind:
    """What carries topics into tables here, so that an environment can move: a platform without managed connectors has
    the project's own sink, and so has MSK as long as it is not told where the connector's program is."""
    if environment.connect.kind != "managed" or environment.platform == "confluent":
        return environment.connect.kind
    return "managed" if environment.platform == "msk" and environment.connect.plugin else "sink"


def version_of(environment: Environment) -> Version | None:
    """The version of Snowflake's connector that runs; None with the project's own sink. A laptop has one only."""
    if kind_of(environment) == "sink":
        return None
    return LAPTOP_VERSION if environment.platform == "local" else environment.connect.version or "v3"


def sink_class(environment: Environment, *, anywhere: bool = False) -> str | None:
    """`connector.class` of what writes into Snowflake; None with the project's own sink.

    Args:
        anywhere: what the YAML asks for, though this platform may not have it: its settings are checked all the same.
    """
    kind = environment.connect.kind if anywhere else kind_of(environment)
    version = environment.connect.version if anywhere else version_of(environment)
    if kind == "sink":
        return None
    if kind == "managed" and environment.platform == "confluent":
        return "SnowflakeSink"
    return _STREAMING if version == "v4" else _CLASSIC


def tolerance_of(environment: Environment, topic: str) -> Literal["all", "none"]:
    """Whether a connector goes on after an event it cannot write."""
    given = environment.connect.errors.tolerance
    return given or ("all" if environment.topics[topic].dead_letter else "none")


def worker_on_ecs(environment: Environment) -> bool:
    """Whether the environment runs a Kafka Connect of its own in its network."""
    from modules.environment.capture import runners_of

    wanted = environment.connect.kind == "kafka-connect" or "kafka-connect" in runners_of(environment)
    return wanted and environment.connect.rest_url is None and environment.platform in ("msk", "redpanda")


def runs_in_vpc(environment: Environment) -> bool:
    """Whether something of it runs in the environment's network: MSK Connect, a worker, or the sink as a task."""
    if environment.platform not in ("msk", "redpanda"):
        return False
    return uses_msk_connect(environment) or worker_on_ecs(environment) or sink_on_ecs(environment)


def uses_msk_connect(environment: Environment) -> bool:
    """Whether MSK Connect runs anything here."""
    from modules.environment.capture import runners_of

    managed = kind_of(environment) == "managed" or "managed" in runners_of(environment)
    return managed and environment.platform == "msk"


def sink_on_ecs(environment: Environment) -> bool:
    """Whether the project's own sink runs as a task in the environment's network."""
    where = environment.connect.where == "ecs" and environment.platform in ("msk", "redpanda")
    return where and kind_of(environment) == "sink"


def plugin_problem(plugin: Plugin) -> str | None:
    """Why MSK Connect cannot take a plugin written so; None if it can."""
    if plugin.file and (plugin.bucket or plugin.key):
        return "`file` is uploaded into a bucket that is made; keep it, or `bucket` and `key`"
    if not plugin.file and not (plugin.bucket and plugin.key):
        return "write `file`, or both `bucket` and `key`"
    if not str(plugin.file or plugin.key).endswith(_PLUGIN_ENDS):
        return "MSK Connect takes one .zip or .jar"
    return None


def check(environment: Environment, positions: Positions) -> Iterator[Problem]:
    """What the platform does not have, what belongs to another kind, and settings the connector does not know."""
    checked = _Checked(environment, positions)
    yield from checked.kind()
    yield from checked.version()
    yield from checked.of_kind()
    yield from checked.capacity()
    yield from checked.errors()
    yield from checked.settings()


class _Checked:
    """`connect` beside its environment."""

    def __init__(self, environment: Environment, positions: Positions) -> None:
        from modules.environment.capture import runners_of

        self._environment = environment
        self._positions = positions
        self._connect = environment.connect
        self._managed = self._connect.kind == "managed" or "managed" in runners_of(environment)
        self._worker = self._connect.kind == "kafka-connect" or "kafka-connect" in runners_of(environment)

    def kind(self) -> Iterator[Problem]:
        """A Kafka Connect needs a place to be."""
        platform, connect = self._environment.platform, self._connect
        if not self._worker or platform == "local" or connect.rest_url:
            return
        if platform == "confluent":
            yield self._problem(
                "Confluent Cloud runs no Kafka Connect of one's own; name one that is there with `rest_url`, or write "
                "`managed`", "kind"
            )  # fmt: skip
        elif connect.image is None:
            yield self._problem(
                "Kafka Connect runs on ECS from an `image` that has the connectors; name it, or one that is there with "
                "`rest_url`", "kind"
            )  # fmt: skip

    def version(self) -> Iterator[Problem]:
        given, connect = self._connect.version, self._connect
        if given and connect.kind == "sink":
            words = "the project's own sink is none of Snowflake's connectors; take the line out"
            yield self._problem(words, "version")
        elif given and given != "v3" and self._environment.platform == "confluent" and connect.kind == "managed":
            yield self._problem(f"Confluent's managed connector is v3; got {given}", "version")

    def of_kind(self) -> Iterator[Problem]:
        """Keys that mean nothing with this kind, on whichever platform: those of another platform wait for it."""
        connect, own = self._connect, self._connect.kind == "sink"
        if connect.where == "ecs" and not own:
            yield self._problem("`where` is for kind sink; connectors run where their kind says", "where")
        elif sink_on_ecs(self._environment) and connect.image is None:
            yield self._problem("a task needs an `image`: that of this project, in your own registry", "where")
        if connect.image and not (self._worker or (own and connect.where == "ecs")):
            yield self._problem("nothing of this runs on ECS; take the line out", "image")
        if connect.rest_url and not self._worker:
            yield self._problem("a Kafka Connect's address is for kind kafka-connect", "rest_url")
        elif connect.rest_url and connect.image:
            yield self._problem("one that is there already (`rest_url`) needs no image; keep one of the two", "image")
        if connect.rest_credentials and not connect.rest_url:
            yield self._problem("a login of which Kafka Connect? write `rest_url` as well", "rest_credentials")
        if not connect.schematization and own:
            yield self._problem("the project's own sink writes a column a field, always", "schematization")
        if connect.worker and (connect.rest_url or not (self._managed or self._worker)):
            yield self._problem("there are no workers to set: neither MSK Connect nor Kafka Connect on ECS", "worker")
        for name in connect.worker:
            if name in _OWN_WORKER:
                yield self._problem("which cluster a worker belongs to is not chosen here; take it out", "worker", name)

    def capacity(self) -> Iterator[Problem]:
        connect, scale = self._connect, self._connect.capacity.autoscale
        if not self._managed:
            for key, given in (("plugin", connect.plugin), ("capacity", connect.capacity != Capacity())):
                if given:
                    yield self._problem("this is for MSK Connect: kind managed", key)
            return
        if connect.plugin is not None:  # without one the project's own sink is there
            yield from self._plugin(connect.plugin)
        if scale and scale.least > scale.most:
            yield self._problem(f"least {scale.least} is more than most {scale.most}", "capacity", "autoscale", "least")
        if scale and scale.scale_in >= scale.scale_out:
            yield self._problem(
                f"workers would come and go in turns: in {scale.scale_in} % is not below out {scale.scale_out} %",
                "capacity", "autoscale", "scale_in"
            )  # fmt: skip

    def _plugin(self, plugin: Plugin) -> Iterator[Problem]:
        if wrong := plugin_problem(plugin):
            yield self._problem(wrong, "plugin")

    def errors(self) -> Iterator[Problem]:
        connect = self._connect
        if connect.kind == "sink" and connect.errors.tolerance == "none":
            yield self._problem(
                "the project's own sink puts what it cannot write into the dead-letter topic and goes on; for a topic "
                "without one it stops: write `dead_letter: false` there", "errors", "tolerance"
            )  # fmt: skip
        if connect.kind == "sink" or connect.errors.tolerance != "all":
            return
        for name, topic in self._environment.topics.items():
            if topic.sink and not topic.dead_letter:
                yield self._problem(
                    f"events of `{name}` that cannot be written would be lost: it has no dead-letter topic", "errors",
                    "tolerance"
                )  # fmt: skip

    def settings(self) -> Iterator[Problem]:
        connect = self._connect
        if connect.kind == "sink" and connect.settings:
            yield self._problem("the project's own sink has no connector's settings; take them out", "settings")
            return
        known = sink_class(self._environment, anywhere=True)
        for name, value in connect.settings.items():
            wrong = setting_problem(CONNECTORS[known], name, value) if known else None
            if wrong:
                yield self._problem(wrong, "settings", name)

    def _problem(self, message: str, *at: str) -> Problem:
        path = ".".join(each for each in ("connect", *at) if each)
        return Problem(self._positions.at("connect", *(each for each in at if each)), path, message)
