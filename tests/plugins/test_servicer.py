"""The generic servicer under real Terraform, with a provider that has every kind of attribute and nesting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.memory_provider import MemoryProvider, write_memory_mirror
from tests.plugins.terraform_folder import Terraform

FULL: dict[str, Any] = {
    "name": "alpha",
    "comment": "first",
    "flag": True,
    "amount": 0.1,
    "words": ["b", "a"],
    "colours": ["red", "blue"],
    "labels": {"k": "v"},
    "shape": {"sides": 3, "title": "triangle"},
    "pair": ["x", 2],
    "anything": {"a": [1, "two"]},
    "secret": "never stored",
    "nested_single": {"key": "ns"},
    "nested_list": [{"key": "nl0", "size": 1}, {"key": "nl1"}],
    "nested_set": [{"key": "nset"}],
    "nested_map": {"m": {"key": "nm"}},
    "one": {"key": "one"},
    "grouped": {"hint": "h"},
    "many": [{"key": "m0", "deep": [{"key": "d0"}]}, {"key": "m1"}],
    "bag": [{"key": "s0"}, {"key": "s1", "size": 2}],
    "named": {"left": {"key": "l"}},
}


class Bench(Terraform):
    """A Terraform folder with the memory provider, its store beside it; `started`: by Terraform, as a process."""

    def __init__(self, folder: Path, *, started: bool = False) -> None:
        write_memory_mirror(folder / "mirror")
        super().__init__(folder / "work", folder / "mirror", plugin=None if started else MemoryProvider)
        self.store = folder / "things.json"
        self.resource(FULL)
        self.init()

    def resource(self, body: dict[str, Any] | None, extra: dict[str, Any] | None = None) -> None:
        configuration: dict[str, Any] = {
            "terraform": {"required_providers": {"memory": {"source": "infra/memory"}}},
            "provider": {"memory": {"file": str(self.store)}},
            **(extra or {}),
        }
        if body is not None:
            configuration["resource"] = {"memory_thing": {"it": body}}
        self.write(configuration)

    @property
    def things(self) -> dict[str, Any]:
        loaded = json.loads(self.store.read_text())
        assert isinstance(loaded, dict)
        return loaded


@pytest.fixture(scope="module")
def _benches(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("memory"))


@pytest.fixture
def bench(_benches: Bench) -> Bench:
    """The one initialised folder, emptied."""
    _benches.store.unlink(missing_ok=True)
    (_benches.folder / "terraform.tfstate").unlink(missing_ok=True)
    _benches.resource(FULL)
    return _benches


def test_a_resource_with_every_nesting_is_created_changed_and_destroyed(bench: Bench) -> None:
    assert bench.plan() == {"memory_thing.it": ("create",)}
    bench.apply()
    values = bench.values("memory_thing.it")
    assert values["id"] == "alpha"
    assert values["revision"] == 1
    assert values["mode"] == "usual"
    assert values["secret"] is None
    assert values["amount"] == 0.1
    assert values["anything"] == {"a": [1, "two"]}
    assert values["nested_list"][1]["token"] == "token-nl1"
    assert values["many"][0]["deep"][0]["token"] == "token-d0"
    assert {item["token"] for item in values["bag"]} == {"token-s0", "token-s1"}
    assert values["named"]["left"]["token"] == "token-l"
    assert "never stored" not in (bench.folder / "terraform.tfstate").read_text()
    assert bench.plan() == {}

    bench.resource({**FULL, "comment": "second", "many": [*FULL["many"], {"key": "m2"}], "mode": "rare"})
    assert bench.plan() == {"memory_thing.it": ("update",)}
    bench.apply()
    values = bench.values("memory_thing.it")
    assert (values["revision"], values["mode"], values["comment"]) == (2, "rare", "second")
    assert values["many"][2]["token"] == "token-m2"
    assert bench.plan() == {}

    bench.resource({"name": "beta"})
    assert bench.plan() == {"memory_thing.it": ("delete", "create")}
    bench.apply()
    assert set(bench.things) == {"beta"}
    assert bench.plan() == {}

    bench.destroy()
    assert bench.things == {}


def test_an_update_keeps_computed_values_that_the_change_does_not_touch(bench: Bench) -> None:
    bench.apply()
    bench.resource({**FULL, "comment": "other"})
    code, out, _ = bench.run("plan")
    assert code == 0
    assert "~ revision" in out
    assert "~ mode" not in out
    assert "~ id" not in out


def test_a_change_behind_terraforms_back_is_seen_as_drift_by_a_plugin_terraform_starts(tmp_path: Path) -> None:
    bench = Bench(tmp_path, started=True)
    bench.apply()
    things = bench.things
    things["alpha"]["comment"] = "by hand"
    bench.store.write_text(json.dumps(things))
    assert bench.plan() == {"memory_thing.it": ("update",)}
    bench.store.write_text("{}")
    assert bench.plan() == {"memory_thing.it": ("create",)}


def test_an_object_is_imported_by_its_id_and_then_planned_empty(bench: Bench) -> None:
    bench.apply()
    (bench.folder / "terraform.tfstate").unlink()
    bench.resource(FULL, {"import": [{"to": "memory_thing.it", "id": "alpha"}]})
    assert bench.plan() == {}
    out = bench.apply()
    assert "1 imported, 0 added, 0 changed, 0 destroyed" in out


def test_numbers_keep_every_digit_on_the_way_there_and_back(bench: Bench) -> None:
    for number in (2**63 - 1, -(2**63), 2**80, 1.5, 0.1, 0):
        bench.resource({"name": "alpha", "amount": number})
        bench.apply()
        assert bench.values("memory_thing.it")["amount"] == number
        assert bench.plan() == {}


def test_values_known_only_after_apply_reach_the_resource(bench: Bench) -> None:
    extra = {
        "resource": {
            "memory_thing": {
                "it": {"name": "alpha"},
                "second": {
                    "name": "beta",
                    "comment": "${memory_thing.it.mode}",
                    "words": ["${memory_thing.it.id}"],
                    "many": [{"key": "${memory_thing.it.id}"}],
                },
            }
        }
    }
    bench.resource(None, extra)
    bench.apply()
    values = bench.values("memory_thing.second")
    assert (values["comment"], values["words"], values["many"][0]["key"]) == ("usual", ["alpha"], "alpha")


def test_a_refused_configuration_names_the_attribute_and_its_place(bench: Bench) -> None:
    bench.resource({"name": "alpha", "comment": "forbidden"})
    message = bench.fails("plan")
    assert "this comment is forbidden" in message
    assert '"comment": "forbidden"' in message or "resource.memory_thing.it.comment" in message
    bench.resource({"name": "alpha", "many": [{"key": "bad"}]})
    assert "a bad key" in bench.fails("plan")


def test_an_unforeseen_failure_is_one_message_without_a_traceback(bench: Bench) -> None:
    bench.resource({"name": "alpha", "comment": "broken"})
    message = bench.fails()
    assert "bundled infra/memory plugin failed unexpectedly: RuntimeError: nobody foresaw this" in message
    assert "Traceback" not in message


def test_a_half_made_object_is_kept_and_replaced_by_the_next_apply(bench: Bench) -> None:
    bench.resource({"name": "alpha", "comment": "half"})
    assert "only half of it was made" in bench.fails()
    assert bench.values("memory_thing.it")["id"] == "alpha"
    bench.resource({"name": "alpha", "comment": "whole"})
    assert bench.plan() == {"memory_thing.it": ("delete", "create")}


def test_a_resource_the_plugin_does_not_serve_is_refused_by_name(bench: Bench) -> None:
    bench.resource(None, {"resource": {"memory_unserved": {"it": {}}}})
    assert "bundled infra/memory plugin does not implement memory_unserved" in bench.fails("plan")


def test_a_plugin_starts_below_a_long_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path may have a hundred characters, a temporary folder's many more."""
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    bench = Bench(tmp_path, started=True)
    bench.apply()
    assert list(long.glob("infra-plugin-*")) == []
