"""Rotating a key against a stand-in in a process of its own: both slots, the secret, every interruption."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from moto import mock_aws

from modules.environment.loader import load_environment
from modules.environment.model import Environment
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError, InfraError, SecretError, ServiceError
from modules.project import Project
from modules.warehouse.connection import connect, load_private_key, make_key_pair, public_key_of
from modules.warehouse.keys import private_key_of, public_keys
from modules.warehouse.rotate import STEPS, Rotation, RotationOptions, fingerprint, rotate_key
from tests.standin.harness import StandIn, run

ROOT = Path(__file__).resolve().parents[2]
USER = "SVC_KAFKA_CONNECTOR"
QUICK = RotationOptions(bits=2048, wait=0.0)


@dataclass
class Account:
    """An environment whose connector has a key that logs in."""

    standin: StandIn
    project: Project
    environment: Environment
    admin: Any

    def snowflake_client(self, role: str) -> Any:
        """The only thing of a platform that a rotation asks for."""
        return self.standin.client()

    def rotate(self, options: RotationOptions = QUICK, on_step: Any = lambda _step: None) -> Rotation:
        return rotate_key(self.environment, self, self.project, USER, options, on_step=on_step)  # type: ignore[arg-type]

    def slots(self) -> tuple[str, str]:
        found = {row[0]: row[1] for row in run(self.admin, f"DESCRIBE USER {USER}")}
        return found["RSA_PUBLIC_KEY_FP"], found["RSA_PUBLIC_KEY_2_FP"]

    @property
    def secret(self) -> Path:
        return self.project.root / private_key_of(self.environment, self.project, USER).reference.name

    def held(self) -> str:
        return fingerprint(load_private_key(self.secret.read_text(), "test"))

    def logs_in(self, key: Path) -> bool:
        try:
            self.standin.connect(USER, "PUBLIC", key).close()
        except ServiceError:
            return False
        return True


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    running = StandIn(tmp_path_factory.mktemp("standin")).start()
    yield running
    running.stop()


@pytest.fixture
def account(standin: StandIn, tmp_path: Path) -> Iterator[Account]:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    project = Project(tmp_path)
    environment = load_environment(project, "local")
    with standin.connect() as admin:
        made = Account(standin, project, environment, admin)
        public = make_key_pair(made.secret)
        run(admin, f"CREATE USER IF NOT EXISTS {USER} TYPE = SERVICE")
        run(admin, f"ALTER USER {USER} SET RSA_PUBLIC_KEY = '{public}'")
        run(admin, f"ALTER USER {USER} UNSET RSA_PUBLIC_KEY_2")
        yield made


def old_key(account: Account, tmp_path: Path) -> Path:
    """A copy of the key as it is now."""
    kept = tmp_path / "old.p8"
    kept.write_bytes(account.secret.read_bytes())
    kept.chmod(0o600)
    return kept


def test_a_rotation_leaves_one_key_that_the_secret_holds_and_the_plan_takes_from_it(
    account: Account, tmp_path: Path
) -> None:
    old, before, steps = old_key(account, tmp_path), account.held(), []
    done = account.rotate(on_step=steps.append)
    assert tuple(steps) == STEPS
    assert (done.old, done.new) == (before, account.held()) and before != account.held()
    assert account.slots() == (account.held(), "null")
    assert account.logs_in(account.secret) and not account.logs_in(old)
    assert stat.S_IMODE(account.secret.stat().st_mode) == 0o600
    # What a plan declares for both slots is what is there.
    keys = public_keys(account.environment, account.project)[USER]
    found = {row[0]: row[1] for row in run(account.admin, f"DESCRIBE USER {USER}")}
    assert (keys.first, keys.second) == (found["RSA_PUBLIC_KEY"], None)


def test_there_is_a_valid_key_in_the_secret_at_every_step(account: Account) -> None:
    working = []
    account.rotate(on_step=lambda _step: working.append(account.logs_in(account.secret)))
    assert working == [True] * len(STEPS)


class Killed(BaseException):
    """Passes every handler of errors, as a SIGKILL would."""


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_and_run_again_it_ends_with_one_key_that_the_secret_holds(
    account: Account, step: str, tmp_path: Path
) -> None:
    old = old_key(account, tmp_path)

    def kill(reached: str) -> None:
        if reached == step:
            raise Killed

    with pytest.raises(Killed):
        account.rotate(on_step=kill)
    assert account.logs_in(account.secret), "a running sink that reads the secret now is locked out"
    again = account.rotate()
    assert again.resumed == (step in ("stored", "logged in", "old key replaced"))
    assert account.slots() == (account.held(), "null")
    assert account.logs_in(account.secret) and not account.logs_in(old)


def test_the_old_key_can_be_kept_until_another_run_ends_it(account: Account, tmp_path: Path) -> None:
    old = old_key(account, tmp_path)
    first = account.rotate(RotationOptions(bits=2048, wait=0.0, keep_old=True))
    assert first.old_key_valid and account.logs_in(old) and account.logs_in(account.secret)
    second = account.rotate()
    assert second.resumed and second.new == first.new
    assert not account.logs_in(old) and account.slots() == (account.held(), "null")


def test_a_key_rotated_by_hand_into_the_second_slot_goes_back_to_the_first(account: Account) -> None:
    run(account.admin, f"ALTER USER {USER} SET RSA_PUBLIC_KEY_2 = '{public_key_of(account.secret.read_text())}'")
    run(account.admin, f"ALTER USER {USER} UNSET RSA_PUBLIC_KEY")
    account.rotate()
    assert account.slots() == (account.held(), "null")


def test_a_key_that_somebody_else_put_there_is_not_overwritten(account: Account, tmp_path: Path) -> None:
    other = tmp_path / "other.p8"
    run(account.admin, f"ALTER USER {USER} SET RSA_PUBLIC_KEY_2 = '{make_key_pair(other)}'")
    before = account.slots()
    with pytest.raises(ConfigError, match="both of SVC_KAFKA_CONNECTOR's slots are taken") as caught:
        account.rotate()
    assert "--replace-other" in str(caught.value)
    assert account.slots() == before and account.logs_in(other)
    account.rotate(RotationOptions(bits=2048, wait=0.0, replace_other=True))
    assert account.slots() == (account.held(), "null") and not account.logs_in(other)


def test_a_secret_whose_key_the_user_does_not_have_is_told_before_anything_is_changed(account: Account) -> None:
    before = account.slots()
    account.secret.unlink()
    make_key_pair(account.secret)
    with pytest.raises(ServiceError, match="the secret's key is none of SVC_KAFKA_CONNECTOR's"):
        account.rotate()
    assert account.slots() == before


def test_a_secret_that_cannot_be_written_leaves_the_old_key_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = account.slots()

    def full(*_: object) -> None:
        raise SecretError("cannot keep the secret: No space left on device")

    monkeypatch.setattr("modules.warehouse.rotate.store_secret", full)
    with pytest.raises(SecretError, match="No space left"):
        account.rotate()
    assert account.slots() == before and account.logs_in(account.secret)


def with_key(account: Account, reference: str) -> Account:
    scheme, _, name = reference.partition(":")
    warehouse = account.environment.warehouse.model_copy(update={"connector_private_key": SecretRefValue(scheme, name)})
    changed = account.environment.model_copy(update={"warehouse": warehouse})
    return Account(account.standin, account.project, changed, account.admin)


def test_a_key_in_an_environment_variable_is_refused_before_anything_is_changed(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_KEY", account.secret.read_text())
    before = account.slots()
    with pytest.raises(SecretError) as caught:
        with_key(account, "env:CONNECTOR_KEY").rotate()
    assert str(caught.value) == (
        "env:CONNECTOR_KEY: a secret in an environment variable cannot be changed from here: it ends with this "
        "process\n"
        "  → keep it in a file (`file:…`) or in AWS (`aws-sm:…`, `aws-ssm:…`) and change the reference"
    )
    assert account.slots() == before


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("secretsmanager")


@pytest.mark.parametrize("reference", ["aws-sm:connector", "aws-sm:connector#key"])
def test_a_key_in_secrets_manager_becomes_a_new_version_of_it(account: Account, manager: Any, reference: str) -> None:
    old = account.secret.read_text()
    text = json.dumps({"key": old, "user": USER}) if "#" in reference else old
    manager.create_secret(Name="connector", SecretString=text)
    done = with_key(account, reference).rotate()
    now = manager.get_secret_value(SecretId="connector")["SecretString"]
    if "#" in reference:
        assert json.loads(now)["user"] == USER
        now = json.loads(now)["key"]
    assert fingerprint(load_private_key(now, "test")) == done.new
    assert account.slots() == (done.new, "null")
    previous = manager.get_secret_value(SecretId="connector", VersionStage="AWSPREVIOUS")["SecretString"]
    assert old in (previous, json.loads(previous)["key"] if "#" in reference else None)


def test_an_encrypted_key_is_followed_by_one_that_the_same_passphrase_opens(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSPHRASE", "open sesame")
    key = load_private_key(account.secret.read_text(), "test")
    lock = BestAvailableEncryption(b"open sesame")
    account.secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    given = {
        "connector_private_key": SecretRefValue("file", str(account.secret)),
        "connector_private_key_passphrase": SecretRefValue("env", "PASSPHRASE"),
    }
    warehouse = account.environment.warehouse.model_copy(update=given)
    changed = account.environment.model_copy(update={"warehouse": warehouse})
    done = Account(account.standin, account.project, changed, account.admin).rotate()
    text = account.secret.read_text()
    assert "ENCRYPTED" in text
    assert fingerprint(load_private_key(text, "test", "open sesame")) == done.new == account.slots()[0]


def test_short_keys_and_unknown_users_are_refused(account: Account) -> None:
    with pytest.raises(ConfigError, match="a key of 1024 bits is too short"):
        account.rotate(RotationOptions(bits=1024))
    with pytest.raises(ConfigError, match="SOMEBODY is no service user of environment local"):
        rotate_key(account.environment, account, account.project, "SOMEBODY")  # type: ignore[arg-type]
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    account.secret.write_bytes(short.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(SecretError, match="1024 bits"):
        account.rotate()


def test_no_error_shows_a_key(account: Account) -> None:
    lines = [line for line in account.secret.read_text().splitlines() if not line.startswith("-")]
    run(account.admin, f"DROP USER {USER}")
    with pytest.raises(InfraError) as caught:
        account.rotate()
    assert not any(line in str(caught.value) for line in lines)


def test_a_client_logs_in_with_a_key_given_by_hand(account: Account) -> None:
    key = load_private_key(account.secret.read_text(), "test")
    client = account.standin.client(USER, "PUBLIC", Path("/nowhere"))
    connect(client, account.project, key=key).close()
