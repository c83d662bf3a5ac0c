"""One AdminClient shared by all resources: connecting in bounded time, and errors a user can act on.

Nothing here knows Terraform's states; topics.py, acls.py and users.py do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from modules.local.plugins.protocol.resource import Diagnostic, PluginError

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["REQUEST_SECONDS", "KafkaAdmin", "admin_api", "outcome", "unreachable"]

CONNECT_SECONDS = 10.0
"""How long a broker that accepts connections may take to answer its first question."""

REQUEST_SECONDS = 15.0
"""How long one administrative request may take."""

_FAILURE_SECONDS = 5.0
"""So long the failure to connect is remembered: a thousand resources must not each wait for a dead broker."""


def unreachable(servers: str, path: tuple[str, ...] = ()) -> Diagnostic:
    """What is said of a broker that does not answer."""
    return Diagnostic(
        f"Kafka at {servers} does not answer",
        "Start it (`infra local up`; `infra local status` and `infra local logs` show what is wrong) and try again.",
        path,
    )


class KafkaAdmin:
    """Connects at the first use. `configure` starts anew; `on_reset` is told (caches are then out of date)."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._client: Any = None
        self._failure: tuple[float, PluginError] | None = None
        self._errors: list[Any] = []
        self.on_reset: list[Callable[[], None]] = []

    @property
    def servers(self) -> str:
        return str(self._settings.get("bootstrap.servers", "(no bootstrap_servers)"))

    def configure(self, settings: Mapping[str, Any]) -> None:
        with self._lock:
            self._settings = dict(settings)
            self._client = self._failure = None
        for reset in self.on_reset:
            reset()

    @property
    def client(self) -> Any:
        """The connected AdminClient.

        Raises:
            PluginError: the broker does not answer in time or refuses the login.
        """
        with self._lock:
            if self._client is None:
                if self._failure is not None and time.monotonic() - self._failure[0] < _FAILURE_SECONDS:
                    raise self._failure[1]
                try:
                    self._client = self._connect()
                except PluginError as error:
                    self._failure = (time.monotonic(), error)
                    raise
            return self._client

    def translate(self, error: Any, subject: str) -> PluginError:
        """A Kafka error about `subject` (`topic orders`) as a message for a user."""
        from confluent_kafka import KafkaError

        code, words = error.code(), error.str()
        # The names below live in the C extension, which type checkers cannot see into.
        names: Any = KafkaError
        if code in (names._TIMED_OUT, names._TRANSPORT, names._ALL_BROKERS_DOWN, names.REQUEST_TIMED_OUT):
            diagnostic = unreachable(self.servers)
            return PluginError(diagnostic.summary, f"It was asked about {subject}: {words}. {diagnostic.detail}")
        if code in (
            names.TOPIC_AUTHORIZATION_FAILED,
            names.CLUSTER_AUTHORIZATION_FAILED,
            names.GROUP_AUTHORIZATION_FAILED,
        ):
            user = self._settings.get("sasl.username", "ANONYMOUS")
            return PluginError(
                f"Kafka does not allow User:{user} to do this with {subject}",
                f"Log in as an administrator (a super user), or give the user the rights. Kafka says: {words}",
            )
        if code == names.SECURITY_DISABLED:
            return PluginError(
                "this Kafka cluster has no authorizer, so it keeps no ACLs",
                "Set authorizer.class.name on the brokers (the local platform does), or declare no ACLs.",
            )
        return PluginError(f"Kafka refused {subject}: {words}", f"Broker {self.servers}, error {error.name()}.")

    def _connect(self) -> Any:
        from confluent_kafka import KafkaError, KafkaException

        api = admin_api()

        self._errors = []
        client = api.AdminClient(
            {**self._settings, "log_level": 0, "reconnect.backoff.max.ms": 500, "error_cb": self._errors.append}
        )
        deadline = time.monotonic() + CONNECT_SECONDS
        authentication: Any = KafkaError._AUTHENTICATION
        while time.monotonic() < deadline:
            try:
                client.describe_cluster(request_timeout=2).result(timeout=4)
                return client
            except (KafkaException, TimeoutError):
                client.poll(0)
            refusals = [error for error in self._errors if error.code() == authentication]
            if refusals:
                raise PluginError(
                    f"Kafka at {self.servers} refuses the login of {self._settings.get('sasl.username')!r}",
                    "Check sasl_username, sasl_password and sasl_mechanism; for the local platform run "
                    f"`infra local up` again. Kafka says: {refusals[-1].str()}",
                )
        diagnostic = unreachable(self.servers)
        said = f" {self._errors[-1].str()}" if self._errors else ""
        raise PluginError(diagnostic.summary, diagnostic.detail + said)


def admin_api() -> Any:
    """`confluent_kafka.admin`, imported at the first use; untyped, since its stubs hide half of what it exports."""
    import confluent_kafka.admin

    return confluent_kafka.admin


def outcome(future: Future[Any]) -> Any | Exception:
    """What became of a future: its result, the KafkaError of a KafkaException, or another exception."""
    from confluent_kafka import KafkaException

    try:
        return future.result(timeout=REQUEST_SECONDS + 5)
    except KafkaException as error:
        return error.args[0]
    except Exception as error:
        return error
