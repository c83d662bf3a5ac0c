"""The bundled `mongey/kafka-connect` plugin under real Terraform against the laptop's worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.local import connect
from modules.local.plugins import write_mirror
from modules.local.plugins.kafkaconnect.provider import KafkaConnectProvider
from tests.integration.kafka_connect_parts import Flow, Worker, until
from tests.plugins.terraform_folder import Terraform

pytestmark = pytest.mark.platform

ADDRESS = "kafka-connect_connector.it"


class ConnectFolder(Terraform):
    """A Terraform folder that manages one connector of the worker."""

    def __init__(self, folder: Path, flow: Flow) -> None:
        write_mirror(folder / "mirror")
        super().__init__(folder / "work", folder / "mirror", plugin=KafkaConnectProvider)
        self.flow, self.worker = flow, flow.worker
        self.connector()
        self.init()

    def connector(
        self, *, url: str | None = None, imported: bool = False, secret: dict[str, str] | None = None, **changes: str
    ) -> None:
        name = changes.get("name", self.flow.name)
        settings = {**self.flow.config(), "name": name, **changes}
        # To Terraform `${` begins an expression.
        written = {key: value.replace("${", "$${") for key, value in settings.items()}
        resource: dict[str, Any] = {"name": name, "config": written}
        if secret:
            resource["config_sensitive"] = secret
        configuration: dict[str, Any] = {
            "terraform": {
                "required_providers": {"kafka-connect": {"source": "mongey/kafka-connect", "version": "0.5.0"}}
            },
            "provider": {"kafka-connect": {"url": url or connect.connect_url(self.worker.port)}},
            "resource": {"kafka-connect_connector": {"it": resource}},
        }
        if imported:
            configuration["import"] = [{"to": ADDRESS, "id": name}]
        self.write(configuration)

    def live(self, name: str | None = None) -> dict[str, str] | None:
        return self.worker.config(name or self.flow.name)


@pytest.fixture(scope="module")
def _folder(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> ConnectFolder:
    flow = Flow(worker, "terraformed", partitions=1).make()
    return ConnectFolder(tmp_path_factory.mktemp("connect"), flow)


@pytest.fixture
def folder(_folder: ConnectFolder) -> Iterator[ConnectFolder]:
    """An initialised folder with an empty state, and a worker without its connectors."""
    yield _folder
    (_folder.folder / "terraform.tfstate").unlink(missing_ok=True)
    for name in (_folder.flow.name, "terraformed-2"):
        _folder.worker.settled("DELETE", f"/connectors/{name}")
        until(lambda name=name: _folder.live(name) is None, lambda: "the connector is still there")  # type: ignore[misc]


def test_a_connector_is_made_changed_in_place_and_taken_away(folder: ConnectFolder) -> None:
    folder.connector()
    assert folder.plan() == {ADDRESS: ("create",)}
    folder.apply()
    assert folder.plan() == {}
    until(lambda: folder.worker.state(folder.flow.name) == "RUNNING", lambda: folder.worker.state(folder.flow.name))

    folder.connector(**{"buffer.flush.time": "2"})
    assert folder.plan() == {ADDRESS: ("update",)}
    folder.apply()
    live = folder.live()
    assert live is not None and live["buffer.flush.time"] == "2"
    assert folder.plan() == {}

    folder.destroy()
    until(lambda: folder.live() is None, lambda: folder.live())


def test_what_was_changed_or_deleted_by_hand_is_seen(folder: ConnectFolder) -> None:
    folder.connector()
    folder.apply()
    folder.worker("PUT", f"/connectors/{folder.flow.name}/config", {**folder.flow.config(), "tasks.max": "2"})
    assert folder.plan() == {ADDRESS: ("update",)}
    folder.worker("DELETE", f"/connectors/{folder.flow.name}")
    until(lambda: folder.live() is None, lambda: folder.live())
    assert folder.plan() == {ADDRESS: ("create",)}


def test_sensitive_settings_are_masked_and_not_read_back(folder: ConnectFolder) -> None:
    user = folder.flow.user
    folder.connector(secret={"snowflake.user.name": user})
    config = json.loads((folder.folder / "main.tf.json").read_text())
    del config["resource"]["kafka-connect_connector"]["it"]["config"]["snowflake.user.name"]
    folder.write(config)
    out = folder.apply()
    assert user not in out and "(sensitive value)" in out
    live = folder.live()
    assert live is not None and live["snowflake.user.name"] == user
    assert folder.plan() == {}
    assert "snowflake.user.name" not in folder.values(ADDRESS)["config"]


def test_a_setting_that_the_connector_refuses_is_shown_without_the_secret(folder: ConnectFolder) -> None:
    folder.connector(secret={"tasks.max": "hidden-word"})
    config = json.loads((folder.folder / "main.tf.json").read_text())
    del config["resource"]["kafka-connect_connector"]["it"]["config"]["tasks.max"]
    folder.write(config)
    # Terraform shows the line of the configuration, then come the worker's words.
    shown, _, said = folder.fails().rpartition("}}}")
    assert f"Kafka Connect refused the connector {folder.flow.name}" in shown
    assert "Invalid value *** for configuration tasks.max" in said and "hidden-word" not in said


def test_another_name_replaces(folder: ConnectFolder) -> None:
    folder.connector()
    folder.apply()
    folder.connector(name="terraformed-2")
    assert folder.plan() == {ADDRESS: ("delete", "create")}


def test_a_connector_that_exists_is_named_with_the_import_block_and_can_be_imported(folder: ConnectFolder) -> None:
    config = {**folder.flow.config(), "name": folder.flow.name}
    folder.worker("PUT", f"/connectors/{folder.flow.name}/config", config)
    folder.connector()
    message = folder.fails()
    assert f"the connector {folder.flow.name} already exists" in message
    assert f'id = "{folder.flow.name}"' in message
    folder.connector(imported=True)
    assert "1 imported, 0 added" in folder.apply()
    assert folder.plan() == {}


def test_a_name_that_differs_and_an_address_that_is_none_are_refused_before_anything_is_asked(
    folder: ConnectFolder,
) -> None:
    folder.connector(url="http://127.0.0.1:9")
    config = json.loads((folder.folder / "main.tf.json").read_text())
    config["resource"]["kafka-connect_connector"]["it"]["config"]["name"] = "other"
    folder.write(config)
    assert "config must say `name` too, and the same: terraformed" in folder.fails("validate")
    folder.connector(url="ftp://127.0.0.1")
    assert "'ftp://127.0.0.1' is not an http address" in folder.fails("validate")


def test_a_worker_that_is_down_is_one_clear_error(folder: ConnectFolder) -> None:
    folder.connector(url="http://127.0.0.1:9")
    message = folder.fails("plan")
    assert message.count("Kafka Connect at http://127.0.0.1:9 does not answer") == 1
    assert "infra local up --with connect" in message
