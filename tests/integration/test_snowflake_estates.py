"""Two estates through real Terraform on a stand-in: applied, planned empty, drifted by hand, destroyed.

`access.tf.json` holds who may do what, `data.tf.json` what tables, stages and policies there are. Each goes through the
bundled plugin and, on machines that have it, through the official `snowflakedb/snowflake` plugin.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modules.local.plugins import write_mirror
from modules.local.standin.dump import catalogue
from modules.warehouse.connection import make_key_pair
from tests.plugins.terraform_folder import Terraform
from tests.standin.harness import StandIn, records, run

ESTATES = Path(__file__).parent / "estates"
PREVIEWS = (
    "dynamic_table", "iceberg_table", "network_policy_attachment", "pipe", "table",
    "table_column_masking_policy_application", "user_public_keys",
)  # fmt: skip
MISSING = (
    "no official plugin: INFRA_PLUGIN_DIR must name a mirror folder with "
    "registry.terraform.io/snowflakedb/snowflake/VERSION/OS_ARCH/terraform-provider-snowflake_vVERSION"
)
BY_HAND = (
    "REVOKE OPERATE ON WAREHOUSE WH FROM ROLE READERS",
    "ALTER TABLE D.S.T ADD COLUMN BY_HAND VARCHAR",
    "ALTER WAREHOUSE WH SET WAREHOUSE_SIZE = 'LARGE'",
)


def official_mirror() -> Path | None:
    given = os.environ.get("INFRA_PLUGIN_DIR")
    folder = Path(given) if given else None
    return folder if folder and list(folder.glob("*/snowflakedb/snowflake/*")) else None


class Estate(Terraform):
    """A Terraform folder over a stand-in, with an estate written into it."""

    def __init__(self, folder: Path, mirror: Path, standin: StandIn) -> None:
        super().__init__(folder, mirror)
        self._standin = standin
        self.public_key = make_key_pair(folder / "service.p8")

    def use(self, name: str, change: Any = None) -> None:
        body = json.loads((ESTATES / f"{name}.tf.json").read_text())
        if change is not None:
            change(body["resource"])
        if "variable" in body:
            body["variable"]["public_key"]["default"] = self.public_key
        source = {"source": "snowflakedb/snowflake", "version": "2.20.0"}
        provider = {
            "organization_name": "INFRA",
            "account_name": "LOCAL",
            "user": "INFRA_ADMIN",
            "role": "ACCOUNTADMIN",
            "authenticator": "SNOWFLAKE_JWT",
            "private_key": self._standin.admin_key.read_text(),
            "host": "127.0.0.1",
            "port": self._standin.port,
            "protocol": "http",
            "params": {"CLIENT_TELEMETRY_ENABLED": "false"},
            "preview_features_enabled": [f"snowflake_{name}_resource" for name in PREVIEWS],
        }
        self.write(
            {"terraform": {"required_providers": {"snowflake": source}}, "provider": {"snowflake": provider}, **body}
        )


@pytest.fixture(
    scope="module",
    params=[
        "bundled",
        pytest.param("official", marks=pytest.mark.skipif(official_mirror() is None, reason=MISSING)),
    ],
)
def plugin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mirror folder of a plugin."""
    official = official_mirror()
    if request.param == "official" and official is not None:
        return official
    folder = tmp_path_factory.mktemp("mirror")
    write_mirror(folder)
    return folder


@pytest.fixture(scope="module")
def server(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    standin = StandIn(tmp_path_factory.mktemp("standin")).start()
    yield standin
    standin.stop()


def contents(server: StandIn, connection: Any) -> dict[str, Any]:
    return catalogue(server.url, connection.rest.token)


def test_access_is_applied_planned_empty_drifts_and_is_destroyed(server: StandIn, plugin: Path, tmp_path: Path) -> None:
    connection = server.connect()
    before = contents(server, connection)
    estate = Estate(tmp_path, plugin, server)
    estate.use("access")
    estate.init()
    estate.apply()
    assert estate.plan() == {}

    for statement in BY_HAND:
        run(connection, statement)
    found = estate.plan()
    assert set(found) == {
        "snowflake_grant_privileges_to_account_role.wh",
        "snowflake_table.t",
        "snowflake_warehouse.w",
    }
    assert set(found.values()) == {("update",)}
    estate.apply()
    assert estate.plan() == {}
    assert records(connection, "SHOW WAREHOUSES LIKE 'WH'")[0]["size"] == "X-Small"
    assert [row["name"] for row in records(connection, "DESCRIBE TABLE D.S.T")] == ["A", "B", "C", "V"]
    assert "OPERATE" in {row["privilege"] for row in records(connection, "SHOW GRANTS ON WAREHOUSE WH")}

    estate.destroy()
    assert contents(server, connection) == before
    connection.close()


def test_data_is_applied_planned_empty_and_destroyed(server: StandIn, plugin: Path, tmp_path: Path) -> None:
    connection = server.connect()
    before = contents(server, connection)
    estate = Estate(tmp_path, plugin, server)
    estate.use("data")
    estate.init()
    estate.apply()
    assert estate.plan() == {}
    run(connection, "INSERT INTO D2.S.T (A, B) VALUES ('secret', 1.5)")
    assert run(connection, "SELECT METADATA$ACTION, B FROM D2.S.ST")[0][0] == "INSERT"
    assert run(connection, "SELECT SYSTEM$GET_TAG('D2.S.COST', 'D2', 'DATABASE')") == [("a",)]
    estate.destroy()
    assert contents(server, connection) == before
    connection.close()


@pytest.mark.skipif(official_mirror() is None, reason=MISSING)
@pytest.mark.soak
@pytest.mark.parametrize("name", ["access", "data"])
def test_both_plugins_make_the_same_estate(name: str, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    write_mirror(mirror)
    official = official_mirror()
    assert official is not None
    dumps = []
    key = None
    for which, plugins in (("bundled", mirror), ("official", official)):
        (tmp_path / which / "data").mkdir(parents=True)
        standin = StandIn(tmp_path / which / "data").start()
        try:
            estate = Estate(tmp_path / which / "work", plugins, standin)
            key = estate.public_key = key or estate.public_key
            estate.use(name)
            estate.init()
            estate.apply()
            connection = standin.connect()
            found = contents(standin, connection)
            found["objects"]["USER"].pop("INFRA_ADMIN")
            dumps.append(found)
            connection.close()
        finally:
            standin.stop()
    assert dumps[0]["grants"] == dumps[1]["grants"]
    assert dumps[0]["future_grants"] == dumps[1]["future_grants"]
    assert dumps[0]["role_grants"] == dumps[1]["role_grants"]
    assert dumps[0]["objects"].keys() == dumps[1]["objects"].keys()
    for kind, objects in dumps[0]["objects"].items():
        assert objects.keys() == dumps[1]["objects"][kind].keys(), kind
