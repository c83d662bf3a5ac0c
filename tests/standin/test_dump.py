"""The catalogue as data, which engines of the estate are compared by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modules.errors import LocalError
from modules.local.standin.dump import catalogue
from tests.standin.harness import StandIn, run


def make(connection: Any, name: str) -> None:
    run(connection, f"CREATE DATABASE {name} COMMENT = 'c'")
    run(connection, f"CREATE ROLE {name}_R")
    run(connection, f"GRANT USAGE ON DATABASE {name} TO ROLE {name}_R")
    run(connection, f"GRANT SELECT ON FUTURE TABLES IN DATABASE {name} TO ROLE {name}_R")
    run(connection, f"CREATE TABLE {name}.PUBLIC.T (A NUMBER)")


def test_two_accounts_with_one_estate_are_dumped_alike(standin: StandIn, admin: Any) -> None:
    dumps = []
    for _ in range(2):
        make(admin, "DUMPED")
        dumps.append(json.dumps(catalogue(standin.url, admin.rest.token), sort_keys=True))
        run(admin, "DROP DATABASE DUMPED")
        run(admin, "DROP ROLE DUMPED_R")
    assert dumps[0] == dumps[1]
    found = json.loads(dumps[0])
    assert found["objects"]["DATABASE"]["DUMPED"]["comment"] == "c"
    assert found["objects"]["TABLE"]["DUMPED.PUBLIC.T"]["properties"]["columns"][0]["type"] == "NUMBER(38,0)"
    assert ["SELECT", "TABLE", "DUMPED.PUBLIC.T", "DUMPED_R", False] in found["grants"]
    assert ["SELECT", "TABLE", "DATABASE", "DUMPED", "DUMPED_R", False] in found["future_grants"]


def test_a_dump_holds_fingerprints_instead_of_keys(standin: StandIn, admin: Any) -> None:
    user = catalogue(standin.url, admin.rest.token)["objects"]["USER"]["INFRA_ADMIN"]
    assert user["properties"]["RSA_PUBLIC_KEY"].startswith("SHA256:")


def test_only_the_account_administrator_gets_a_dump(standin: StandIn, admin: Any) -> None:
    key = standin.user(admin, "DUMP_READER", "DUMP_ROLE")
    reader = standin.connect("DUMP_READER", "DUMP_ROLE", key)
    with pytest.raises(LocalError, match="Insufficient privileges"):
        catalogue(standin.url, reader.rest.token)
    reader.close()
