"""`kafka_user_scram_credential`: SCRAM logins, which the broker keeps and takes without a restart.

A password cannot be read back, only that there is a credential and how many iterations it has. So a password that was
changed elsewhere is not seen; `password_wo` is written again when `password_wo_version` changes.
Ids are the official plugin's: `orders|SCRAM-SHA-256|4096`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from modules.local.plugins.batching import Batcher
from modules.local.plugins.kafka.admin import REQUEST_SECONDS, KafkaAdmin, admin_api, outcome
from modules.local.plugins.protocol.resource import Diagnostic, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN

__all__ = ["UserResource"]

# Terraform's spelling → the member of confluent_kafka's enumeration.
_MECHANISMS = {"SCRAM-SHA-256": "SCRAM_SHA_256", "SCRAM-SHA-512": "SCRAM_SHA_512"}
_ITERATIONS = 4096
"""The official plugin's default, and the least Kafka takes."""

_MOST_ITERATIONS = 16384
_CACHE_SECONDS = 10.0

_Credential = tuple[str, str]
"""User name and mechanism."""


class UserResource(Resource):
    """Identified by user name and mechanism."""

    replace_on = frozenset({"username", "scram_mechanism"})
    wants_write_only = True

    def __init__(self, admin: KafkaAdmin) -> None:
        self._admin = admin
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._known: Mapping[_Credential, int] = {}
        self._alter = Batcher(self._alter_all)
        admin.on_reset.append(self._forget)

    def validate(self, config: State) -> Sequence[Diagnostic]:
        found = []
        mechanism, iterations = config["scram_mechanism"], config["scram_iterations"]
        if isinstance(mechanism, str) and mechanism not in _MECHANISMS:
            known = " and ".join(_MECHANISMS)
            found.append(
                Diagnostic(
                    f"scram_mechanism {mechanism!r} is none of Kafka's", f"It has {known}.", ("scram_mechanism",)
                )
            )
        if isinstance(iterations, int) and not _ITERATIONS <= iterations <= _MOST_ITERATIONS:
            limits = f"Kafka takes {_ITERATIONS} to {_MOST_ITERATIONS}."
            found.append(Diagnostic(f"{iterations} iterations are refused", limits, ("scram_iterations",)))
        if config["username"] == "":
            found.append(Diagnostic("a user has a name", path=("username",)))
        given = [name for name in ("password", "password_wo") if config[name] is not None]
        if len(given) != 1:
            said = "neither is there" if not given else "both are there"
            found.append(Diagnostic("a user has either `password` or `password_wo`", f"Here {said}.", ("password_wo",)))
        elif config[given[0]] == "":
            found.append(Diagnostic("the password is empty", path=(given[0],)))
        return found

    def create(self, planned: State) -> State:
        self._write(planned)
        return {**planned, "id": _identifier(planned)}

    def read(self, state: State) -> State | None:
        username, mechanism = _parse(state["id"])
        iterations = self._all().get((username, mechanism))
        if iterations is None:
            return None
        kept = state.get("scram_iterations")
        return {
            **state,
            "username": username,
            "scram_mechanism": mechanism,
            "scram_iterations": None if kept is None and iterations == _ITERATIONS else iterations,
        }

    def update(self, prior: State, planned: State) -> State:
        self._write(planned)
        return planned

    def delete(self, state: State) -> None:
        username, mechanism = _parse(state["id"])
        if (username, mechanism) in self._all(fresh=True):
            api = admin_api()
            self._alter(api.UserScramCredentialDeletion(username, _member(mechanism)))

    def import_(self, identifier: str) -> State:
        username, mechanism = _parse(identifier)
        iterations = self._all().get((username, mechanism))
        if iterations is None:
            raise PluginError(f"{self._admin.servers} has no {mechanism} credential of user {username} to import")
        return {"id": _identifier({"username": username, "scram_mechanism": mechanism, "scram_iterations": iterations})}

    def _write(self, planned: State) -> None:
        password = planned["password"] if planned["password"] is not None else planned["password_wo"]
        if not password or password is UNKNOWN:
            raise PluginError("the user has no password", "Give `password` or `password_wo`.", path=("password_wo",))
        api = admin_api()
        info = api.ScramCredentialInfo(_member(planned["scram_mechanism"]), planned["scram_iterations"] or _ITERATIONS)
        self._alter(api.UserScramCredentialUpsertion(planned["username"], info, password.encode()))

    def _alter_all(self, alterations: Sequence[Any]) -> list[Any | Exception]:
        """A request takes a user once; what concerns the same one again (its other mechanism) goes into the next."""
        answers: dict[int, Any | Exception] = {}
        waiting = list(enumerate(alterations))
        while waiting:
            users: dict[str, tuple[int, Any]] = {}
            for number, alteration in waiting:
                users.setdefault(alteration.user, (number, alteration))
            chosen = {number for number, _ in users.values()}
            waiting = [each for each in waiting if each[0] not in chosen]
            answers |= self._send(users)
        self._forget()
        return [answers[number] for number in range(len(alterations))]

    def _send(self, users: Mapping[str, tuple[int, Any]]) -> dict[int, Any | Exception]:
        from confluent_kafka import KafkaError

        sent = [alteration for _, alteration in users.values()]
        futures = self._admin.client.alter_user_scram_credentials(sent, request_timeout=REQUEST_SECONDS)
        answers: dict[int, Any | Exception] = {}
        for user, (number, alteration) in users.items():
            result = outcome(futures[user])
            if isinstance(result, KafkaError):
                answers[number] = self._admin.translate(result, f"the login of user {user}")
            else:
                answers[number] = result if isinstance(result, Exception) else alteration
        return answers

    def _forget(self) -> None:
        with self._lock:
            self._read_at = float("-inf")

    def _all(self, *, fresh: bool = False) -> Mapping[_Credential, int]:
        """Every credential of the cluster and its iterations, remembered for a moment."""
        from confluent_kafka import KafkaError

        with self._lock:
            if not fresh and time.monotonic() - self._read_at < _CACHE_SECONDS:
                return self._known
            result = outcome(self._admin.client.describe_user_scram_credentials(request_timeout=REQUEST_SECONDS))
            if isinstance(result, KafkaError):
                raise self._admin.translate(result, "its users")
            if isinstance(result, Exception):
                raise result
            self._known = {
                (user, mechanism): info.iterations
                for user, described in result.items()
                for info in described.scram_credential_infos
                for mechanism, member in _MECHANISMS.items()
                if member == info.mechanism.name
            }
            self._read_at = time.monotonic()
            return self._known


def _member(mechanism: str) -> Any:
    return admin_api().ScramMechanism[_MECHANISMS[mechanism]]


def _identifier(state: State) -> str:
    return f"{state['username']}|{state['scram_mechanism']}|{state['scram_iterations'] or _ITERATIONS}"


def _parse(identifier: str) -> _Credential:
    """User and mechanism of an id; its third part says how many iterations there were once."""
    username, _, rest = str(identifier).partition("|")
    mechanism = rest.partition("|")[0]
    if not username or mechanism not in _MECHANISMS:
        raise PluginError(
            f"{identifier!r} is not the id of a SCRAM credential",
            "It reads user|mechanism, for example orders|SCRAM-SHA-256.",
        )
    return username, mechanism
