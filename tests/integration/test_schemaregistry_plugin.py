"""The bundled `cultureamp/schemaregistry` plugin under real Terraform against the local registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from modules.local.plugins import write_mirror
from modules.local.plugins.schemaregistry.provider import SchemaRegistryProvider
from tests.integration.conftest import RunningPlatform
from tests.plugins.terraform_folder import Terraform

pytestmark = pytest.mark.platform

SUBJECT = "plugin-orders-value"


def avro(*extra: dict[str, Any], indent: int | None = None) -> str:
    fields = [{"name": "order_id", "type": "string"}, *extra]
    return json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": fields}, indent=indent)


OPTIONAL = {"name": "note", "type": ["null", "string"], "default": None}
REQUIRED = {"name": "amount", "type": "int"}


class RegistryFolder(Terraform):
    """A Terraform folder that manages the local registry."""

    def __init__(self, folder: Path, url: str) -> None:
        write_mirror(folder / "mirror")
        super().__init__(folder / "work", folder / "mirror", plugin=SchemaRegistryProvider)
        self.url = url
        self.schema()
        self.init()

    def schema(self, url: str | None = None, imported: bool = False, **body: Any) -> None:
        resource = {"subject": SUBJECT, "schema_type": "avro", "compatibility_level": "BACKWARD", **body}
        source = {"source": "cultureamp/schemaregistry", "version": "1.6.0"}
        configuration: dict[str, Any] = {
            "terraform": {"required_providers": {"schemaregistry": source}},
            "provider": {"schemaregistry": {"schema_registry_url": url or self.url}},
        }
        if body:
            configuration["resource"] = {"schemaregistry_schema": {"it": resource}}
        if imported:
            configuration["import"] = [{"to": "schemaregistry_schema.it", "id": SUBJECT}]
        self.write(configuration)

    def versions(self, subject: str = SUBJECT) -> list[int]:
        answer = httpx.get(f"{self.url}/subjects/{subject}/versions")
        return [] if answer.status_code == 404 else list(answer.json())


@pytest.fixture(scope="module")
def _folder(local_platform: RunningPlatform, tmp_path_factory: pytest.TempPathFactory) -> RegistryFolder:
    return RegistryFolder(tmp_path_factory.mktemp("registry"), local_platform.endpoints.registry_url)


@pytest.fixture
def registry(_folder: RegistryFolder) -> Iterator[RegistryFolder]:
    """An initialised folder with an empty state, on a registry without the plugin tests' subjects."""
    yield _folder
    (_folder.folder / "terraform.tfstate").unlink(missing_ok=True)
    for subject in (SUBJECT, f"{SUBJECT}-2"):
        httpx.delete(f"{_folder.url}/subjects/{subject}")
        httpx.delete(f"{_folder.url}/subjects/{subject}?permanent=true")


def test_a_schema_is_registered_evolved_and_deleted(registry: RegistryFolder) -> None:
    registry.schema(schema=avro())
    assert registry.plan() == {"schemaregistry_schema.it": ("create",)}
    registry.apply()
    first = registry.values("schemaregistry_schema.it")
    assert (first["id"], first["version"], first["compatibility_level"]) == (SUBJECT, 1, "BACKWARD")
    assert registry.plan() == {}

    registry.schema(schema=avro(OPTIONAL))
    assert registry.plan() == {"schemaregistry_schema.it": ("update",)}
    registry.apply()
    second = registry.values("schemaregistry_schema.it")
    assert second["version"] == 2
    assert second["schema_id"] != first["schema_id"]
    assert registry.versions() == [1, 2]
    assert registry.plan() == {}

    registry.destroy()
    assert registry.versions() == []


def test_another_way_to_write_the_same_schema_is_no_change(registry: RegistryFolder) -> None:
    registry.schema(schema=avro())
    registry.apply()
    registry.schema(schema=avro(indent=4), schema_type="AVRO", compatibility_level="backward")
    assert registry.plan() == {}


def test_an_incompatible_schema_is_refused_at_plan_with_the_registrys_words(registry: RegistryFolder) -> None:
    registry.schema(schema=avro())
    registry.apply()
    registry.schema(schema=avro(REQUIRED))
    message = registry.fails("plan")
    assert f"the new schema of {SUBJECT} is incompatible" in message
    assert "amount" in message or "READER_FIELD_MISSING_DEFAULT_VALUE" in message
    assert registry.versions() == [1]


def test_compatibility_changes_in_place_and_lets_the_next_schema_through(registry: RegistryFolder) -> None:
    registry.schema(schema=avro())
    registry.apply()
    registry.schema(schema=avro(), compatibility_level="NONE")
    assert registry.plan() == {"schemaregistry_schema.it": ("update",)}
    registry.apply()
    assert registry.versions() == [1]
    registry.schema(schema=avro(REQUIRED), compatibility_level="NONE")
    registry.apply()
    assert registry.versions() == [1, 2]
    assert registry.plan() == {}


def test_another_subject_replaces(registry: RegistryFolder) -> None:
    registry.schema(schema=avro())
    registry.apply()
    registry.schema(schema=avro(), subject=f"{SUBJECT}-2", hard_delete=True)
    assert registry.plan() == {"schemaregistry_schema.it": ("delete", "create")}
    registry.apply()
    assert (registry.versions(), registry.versions(f"{SUBJECT}-2")) == ([], [1])
    registry.destroy()
    assert registry.versions(f"{SUBJECT}-2") == []


def test_a_subject_comes_back_after_its_deletion(registry: RegistryFolder) -> None:
    for hard in (False, True):
        registry.schema(schema=avro(), hard_delete=hard)
        registry.apply()
        assert registry.plan() == {}
        registry.destroy()
    registry.schema(schema=avro())
    registry.apply()
    assert registry.plan() == {}


def test_what_was_done_by_hand_is_seen_as_drift(registry: RegistryFolder) -> None:
    registry.schema(schema=avro())
    registry.apply()
    httpx.put(f"{registry.url}/config/{SUBJECT}", json={"compatibility": "FULL"}).raise_for_status()
    assert registry.plan() == {"schemaregistry_schema.it": ("update",)}
    registry.apply()
    httpx.post(f"{registry.url}/subjects/{SUBJECT}/versions", json={"schema": avro(OPTIONAL)}).raise_for_status()
    assert registry.plan() == {"schemaregistry_schema.it": ("update",)}
    httpx.delete(f"{registry.url}/subjects/{SUBJECT}").raise_for_status()
    assert registry.plan() == {"schemaregistry_schema.it": ("create",)}


def test_a_subject_that_exists_is_named_with_the_import_block_and_can_be_imported(registry: RegistryFolder) -> None:
    httpx.post(f"{registry.url}/subjects/{SUBJECT}/versions", json={"schema": avro()}).raise_for_status()
    httpx.put(f"{registry.url}/config/{SUBJECT}", json={"compatibility": "BACKWARD"}).raise_for_status()
    registry.schema(schema=avro(indent=2))
    message = registry.fails()
    assert f"the subject {SUBJECT} already exists" in message
    assert f'id = "{SUBJECT}"' in message
    registry.schema(schema=avro(indent=2), imported=True)
    assert "1 imported, 0 added" in registry.apply()
    assert registry.plan() == {}


def test_a_schema_that_refers_to_another_is_registered_with_its_reference(registry: RegistryFolder) -> None:
    customer = {"type": "record", "name": "Customer", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]}
    body = {"schema": json.dumps(customer)}
    httpx.post(f"{registry.url}/subjects/{SUBJECT}-2/versions", json=body).raise_for_status()
    reference = {"name": "shop.Customer", "subject": f"{SUBJECT}-2", "version": 1}
    registry.schema(schema=avro({"name": "customer", "type": "shop.Customer"}), references=[reference])
    registry.apply()
    assert registry.values("schemaregistry_schema.it")["references"] == [reference]
    assert registry.plan() == {}


def test_malformed_schemas_and_levels_are_refused_before_anything_is_asked(registry: RegistryFolder) -> None:
    registry.schema(url="http://127.0.0.1:9", schema="{nonsense")
    assert "the schema is not valid JSON" in registry.fails("validate")
    registry.schema(url="http://127.0.0.1:9", schema=avro(), compatibility_level="SIDEWAYS")
    assert "compatibility_level 'SIDEWAYS' is not one of NONE, BACKWARD" in registry.fails("validate")


def test_a_schema_the_registry_takes_for_invalid_shows_its_words(registry: RegistryFolder) -> None:
    registry.schema(schema='{"type": "record", "name": "Order"}')
    message = registry.fails()
    assert f"takes the schema of {SUBJECT} for invalid" in message or f"refused {SUBJECT}" in message


def test_a_registry_that_is_down_is_one_clear_error(registry: RegistryFolder) -> None:
    registry.schema(url="http://127.0.0.1:9/apis/ccompat/v7", schema=avro())
    message = registry.fails("plan")
    assert message.count("the Schema Registry at http://127.0.0.1:9/apis/ccompat/v7 does not answer") == 1
    assert "infra local up" in message
