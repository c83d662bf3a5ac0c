"""Keys of service users: what Snowflake would not take is said before anything is applied, never with the "
"key's text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from modules.environment.model import Environment
from modules.errors import SecretError
from modules.platforms import platform_for
from modules.project import Project
from modules.warehouse.connection import plain_key, public_key_of
from modules.warehouse.keys import PublicKeys, public_keys
from stacks import terraform_secrets

PASSPHRASE = "correct horse"


def pem(bits: int = 2048, passphrase: str | None = None) -> str:
    encryption: KeySerializationEncryption = (
        BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    )
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def write(file: Path, secret: str) -> None:
    """As secrets are kept: for their owner only."""
    file.touch(mode=0o600)
    file.write_text(secret)


@pytest.fixture
def keys(tmp_path: Path) -> Callable[..., Any]:
    """`keys(key=PEM, user={…})` are the public keys of an environment whose SVC_DBT says this."""

    def read(key: str, offline: bool = False, **user: Any) -> Any:
        write(tmp_path / "dbt.p8", key)
        write(tmp_path / "passphrase", PASSPHRASE)
        given = {"role": "TRANSFORMER", "private_key": "file:dbt.p8", **user}
        environment = Environment.model_validate(
            {"name": "dev", "source": "x", "platform": "local", "warehouse": {"users": {"SVC_DBT": given}}}
        )
        return public_keys(environment, Project(tmp_path, offline=offline))["SVC_DBT"]

    return read


def test_a_key_of_one_s_own_is_the_users(keys: Callable[..., Any]) -> None:
    key = pem()
    assert keys(key) == PublicKeys(public_key_of(key))


def test_both_slots_are_filled_from_references(keys: Callable[..., Any], tmp_path: Path) -> None:
    first, second = pem(), pem()
    write(tmp_path / "second.p8", second)
    assert keys(first, second_private_key="file:second.p8") == PublicKeys(public_key_of(first), public_key_of(second))


def test_an_encrypted_key_needs_its_passphrase(keys: Callable[..., Any]) -> None:
    key = pem(passphrase=PASSPHRASE)
    with pytest.raises(SecretError, match="the private key is encrypted") as caught:
        keys(key)
    assert (caught.value.where, caught.value.do) == (
        "file:dbt.p8",
        "give a reference to its passphrase in the YAML, or an unencrypted key",
    )
    assert keys(key, passphrase="file:passphrase").first == public_key_of(key, passphrase=PASSPHRASE)


def test_a_passphrase_that_does_not_open_the_key_is_told(keys: Callable[..., Any]) -> None:
    with pytest.raises(SecretError, match="the passphrase does not open the private key"):
        keys(pem(passphrase="another"), passphrase="file:passphrase")


def test_a_key_under_2048_bits_is_refused(keys: Callable[..., Any]) -> None:
    with pytest.raises(SecretError) as caught:
        keys(pem(1024))
    assert "file:dbt.p8: the private key has 1024 bits; Snowflake takes 2048 or more" in str(caught.value)


def test_no_message_shows_any_of_the_key(keys: Callable[..., Any]) -> None:
    key = pem(1024)
    with pytest.raises(SecretError) as caught:
        keys(key)
    said = f"{caught.value} {caught.value.where} {caught.value.do} {caught.value!r}"
    assert not any(line in said for line in key.splitlines()[1:-1])


def test_a_rehearsal_reads_no_key_and_makes_its_own(keys: Callable[..., Any], tmp_path: Path) -> None:
    found = keys("no key at all", offline=True, second_private_key="file:nowhere.p8")
    assert found.first and found.second and found.first != found.second


def test_whoever_logs_in_gets_an_encrypted_key_without_its_passphrase(tmp_path: Path) -> None:
    """Administrator and connector: Terraform, connectors and sessions take a plain key, in memory only."""
    key = pem(passphrase=PASSPHRASE)
    write(tmp_path / "key.p8", key)
    write(tmp_path / "passphrase", PASSPHRASE)
    account = {"organization": "A", "account": "B", "user": "U", "private_key": "file:key.p8"}
    passphrase = "file:passphrase"
    environment = Environment.model_validate(
        {
            "name": "dev",
            "source": "x",
            "platform": "confluent",
            "topics": {"t": {"sink": {"table": "D.S.T"}}},
            "warehouse": {
                "account": {**account, "private_key_passphrase": passphrase},
                "connector_private_key": "file:key.p8",
                "connector_private_key_passphrase": passphrase,
            },
        }
    )
    project = Project(tmp_path)
    platform = platform_for(environment, project)
    admin = terraform_secrets(platform, project, "warehouse")["snowflake_admin_private_key"]
    connector = platform.snowflake_client("connector")
    for plain in (admin, plain_key(connector.private_key, connector.passphrase, project)):
        assert "ENCRYPTED" not in plain
        assert public_key_of(plain) == public_key_of(key, passphrase=PASSPHRASE)
    assert PASSPHRASE not in repr(connector) + repr(environment)
