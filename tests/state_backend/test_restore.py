"""`infra state show`, `backups` and `restore`, of files and of a bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modules.project import Project
from modules.terraform.backend import mount_states
from modules.terraform.s3 import S3Backend
from tests.state_backend.project import Place, state
from tests.terraform.support import Workbench, data


def test_show_says_where_how_old_and_how_much(place: Place) -> None:
    place.put("cluster", state(7, "c", ("a", "b"), name="x"))
    place.put("topics", b'{"version": 3, "checkpoint": {}}')
    place.cloud.client().put_object(
        Bucket=place.bucket, Key="streaming/shared/cluster.tfstate.tflock",
        Body=b'{"ID":"1","Operation":"OperationTypeApply","Who":"eva@build-7","Created":"2026-11-21T09:00:00.1Z"}',
    )  # fmt: skip
    assert place.infra("state", "show", "--env", "shared") == 0, place.err
    lines = [line for line in place.out.splitlines() if "  changed 20" not in line]
    assert lines == [
        f"cluster  s3://{place.bucket}/streaming/shared/cluster.tfstate",
        "  serial 7, lineage c, Terraform 1.15.5",
        f"  2 resources, 1 outputs, {len(state(7, 'c', ('a', 'b'), name='x')):,} bytes",
        "  locked by eva@build-7 (apply) since 2026-11-21 09:00:00 UTC",
        f"topics  s3://{place.bucket}/streaming/shared/topics.tfstate",
        "  this is a state of Pulumi, not of Terraform",
    ]
    place.local("connect", state(3))
    assert place.infra("state", "show", "--env", "shared", "--json") == 0
    shown = json.loads(place.out)
    assert [(each["stack"], each["serial"]) for each in shown["states"]] == [
        ("cluster", 7), ("topics", None), ("connect", 3),
    ]  # fmt: skip
    assert shown["states"][2]["where"].endswith("connect/terraform.tfstate")


def test_a_version_of_the_bucket_is_put_back_under_a_serial_of_its_own(place: Place) -> None:
    for serial, names in ((7, ("a", "b")), (8, ("b", "c"))):
        place.put("topics", state(serial, names=names))
    assert place.infra("state", "backups", "--env", "shared", "--json") == 0, place.err
    found = json.loads(place.out)["backups"]
    assert [(each["serial"], each["resources"], each["current"]) for each in found] == [(8, 2, True), (7, 2, False)]
    assert place.infra("state", "backups", "--env", "shared") == 0
    assert place.out.splitlines()[0] == "topics" and "← current" in place.out.splitlines()[1]
    chosen = found[1]["id"]
    assert place.infra("state", "restore", "topics", chosen, "--env", "shared") == 1
    assert "there is nobody to confirm" in place.err
    assert place.infra("state", "restore", "topics", chosen, "--env", "shared", "--yes", "--json") == 0, place.err
    done = json.loads(place.out)
    assert done == {
        "offline": False, "stack": "topics", "serial": 9, "gained": ["terraform_data.a"], "lost": ["terraform_data.c"],
    }  # fmt: skip
    assert "knows again: terraform_data.a" in place.err and "forgets: terraform_data.c" in place.err
    put_back = json.loads(place.held("topics") or b"")
    assert put_back == {**json.loads(state(7, names=("a", "b"))), "serial": 9}


def test_what_is_no_earlier_state_is_refused(place: Place, tmp_path: Path) -> None:
    place.put("topics", state(8))
    before = place.held("topics")
    (tmp_path / "other.tfstate").write_bytes(state(9, "another"))
    (tmp_path / "torn.tfstate").write_bytes(state(9)[:50])
    for arguments, words in [
        (("no-such-id",), "stack topics has no earlier state `no-such-id`"),
        (
            ("--file", str(tmp_path / "other.tfstate")),
            "it is not an earlier state of this stack: its lineage is another",
        ),
        (("--file", str(tmp_path / "torn.tfstate")), "the state is malformed"),
        (("--file", str(tmp_path / "gone")), "cannot read the state: No such file or directory"),
        ((), "name one earlier state, or a file"),
        (("../../cluster/terraform.tfstate",), "stack topics has no earlier state"),
    ]:
        assert place.infra("state", "restore", "topics", *arguments, "--env", "shared", "--yes") == 1
        assert words in place.err, arguments
    assert place.held("topics") == before


def test_an_errored_state_of_a_runner_that_is_gone_is_put_in_by_hand(place: Place, tmp_path: Path) -> None:
    place.put("topics", state(8))
    (tmp_path / "errored.tfstate").write_bytes(state(9, names=("a", "made-then")))
    file = ("--file", str(tmp_path / "errored.tfstate"))
    assert place.infra("state", "restore", "topics", *file, "--env", "shared", "--yes") == 0, place.err
    assert "knows again: terraform_data.made-then" in place.err
    assert json.loads(place.held("topics") or b"")["serial"] == 10


def test_a_malformed_state_is_mended_by_an_earlier_one(place: Place) -> None:
    place.put("topics", state(8))
    place.put("topics", b"torn")
    assert place.infra("output", "--env", "shared") == 1
    assert "the state is malformed" in place.err
    assert "`infra state backups --env shared` lists earlier ones" in place.err
    assert place.infra("state", "backups", "topics", "--env", "shared", "--json") == 0
    chosen = json.loads(place.out)["backups"][1]["id"]
    assert place.infra("state", "restore", "topics", chosen, "--env", "shared", "--yes") == 0, place.err
    assert json.loads(place.held("topics") or b"")["serial"] == 9
    assert place.infra("output", "--env", "shared") == 0


def test_a_backup_beside_a_local_state_is_put_back_and_older_plans_are_stale(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.yaml("local")
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    bench = Workbench(place.root)
    bench.folder = lambda stack: place.folder / stack  # type: ignore[method-assign]
    for names in ("ab", "abc"):
        bench.stack("one", {"resource": data(**dict.fromkeys(names, "x"))})
        deployment = _deployment(bench)
        deployment.apply(deployment.plan())
    assert place.infra("state", "backups", "one", "--env", "shared", "--json") == 0, place.err
    newest, backup = json.loads(place.out)["backups"]
    assert (newest["resources"], newest["current"], backup["resources"], backup["current"]) == (3, True, 2, False)
    lost = place.folder / "one" / "terraform.tfstate"
    content = lost.read_bytes()
    lost.unlink()
    assert place.infra("state", "restore", "one", newest["id"], "--env", "shared", "--yes") == 0, place.err
    assert {**json.loads(lost.read_text()), "serial": 0} == {**json.loads(content), "serial": 0}
    bench.stack("one", {"resource": data(**dict.fromkeys("abcd", "x"))})
    deployment = _deployment(bench)
    plan = deployment.plan()
    assert place.infra("state", "restore", "one", backup["id"], "--env", "shared", "--yes") == 0, place.err
    assert "forgets: terraform_data.c" in place.err
    with pytest.raises(Exception, match="the state has changed since the plan was made"):
        deployment.apply(plan)
    assert _deployment(bench).plan().counts["create"] == 2
    kept = {path.name.split("-")[1] for path in (place.folder / "one" / "backups").glob("*.tfstate")}
    assert len(kept) >= 2


def test_a_rehearsals_states_are_shown_and_put_back_by_themselves(place: Place, tmp_path: Path) -> None:
    place.put("topics", state(3))
    there = Project(place.root, offline=True).environment_state("shared") / "topics"
    (there / "backups").mkdir(parents=True)
    (there / "terraform.tfstate").write_bytes(state(8, "simulated-1", ("a", "b")))
    (there / "backups" / "before.tfstate").write_bytes(state(7, "simulated-1"))
    assert place.infra("state", "show", "--env", "shared", "--offline", "--json") == 0, place.err
    shown = json.loads(place.out)
    assert (shown["offline"], [(each["serial"], each["problem"]) for each in shown["states"]]) == (True, [(8, None)])
    assert place.infra("state", "backups", "--env", "shared", "--offline") == 0, place.err
    assert place.out.splitlines()[1].split()[3:] == ["serial", "7,", "1", "resource", "before.tfstate"]
    assert "OFFLINE REHEARSAL" in place.err
    assert place.infra("state", "restore", "topics", "gone", "--env", "shared", "--offline", "--yes") == 1
    assert "`infra state backups --env shared --offline` lists them" in place.err
    (tmp_path / "real.tfstate").write_bytes(state(9))
    real = ("--file", str(tmp_path / "real.tfstate"))
    assert place.infra("state", "restore", "topics", *real, "--env", "shared", "--offline", "--yes") == 1
    assert "this state is of real resources, not of a rehearsal" in place.err
    assert place.infra("state", "restore", "topics", "before.tfstate", "--env", "shared", "--offline", "--yes") == 0
    assert "`infra plan --env shared --offline` shows what differs" in place.err
    put_back = json.loads((there / "terraform.tfstate").read_text())
    assert (put_back["serial"], len(put_back["resources"])) == (9, 1)
    assert place.held("topics") == state(3), "the real one is another"


def _deployment(bench: Workbench):  # type: ignore[no-untyped-def]
    from modules.terraform.engine import Deployment, Options
    from tests.terraform.support import NO_PLUGINS

    return Deployment(
        bench.project, "shared", list(bench.sources.values()), NO_PLUGINS, Options(progress=bench.progress)
    )


def test_outputs_are_found_in_a_fresh_checkout_and_secret_ones_are_not_written(place: Place) -> None:
    content = json.loads(state(7, servers="here:9092"))
    content["outputs"]["password"] = {"value": "only-in-the-bucket", "type": "string", "sensitive": True}
    place.put("cluster", json.dumps(content).encode())
    assert place.infra("output", "--env", "shared") == 0, place.err
    assert place.out.splitlines() == ["cluster.servers = here:9092", "cluster.password = (sensitive)"]
    from cli._states import client_platform
    from modules.environment import load_environment
    from modules.project import recorded_outputs

    environment = load_environment(place.project, "shared")
    client_platform(environment, place.project)
    assert recorded_outputs(place.project, "shared", "cluster") == {"servers": "here:9092"}
    written = b"".join(path.read_bytes() for path in place.root.rglob("*") if path.is_file())
    assert b"only-in-the-bucket" not in written
    assert b"a-secret-that-is-nowhere-on-the-disk" not in written
    assert isinstance(mount_states(environment, place.project), S3Backend)


def test_clients_go_on_with_known_outputs_where_the_bucket_cannot_be_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cli._states import client_platform
    from modules.environment import load_environment
    from modules.errors import StateError
    from modules.project import recorded_outputs

    place.put("cluster", state(7, servers="here:9092"))
    environment = load_environment(place.project, "shared")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StateError, match="there are no AWS credentials to read the states with"):
        client_platform(environment, place.project)
    monkeypatch.setenv("INFRA_OUTPUTS", '{"cluster": {"servers": "told"}}')
    client_platform(environment, place.project)
    assert recorded_outputs(place.project, "shared", "cluster") == {"servers": "told"}
    monkeypatch.delenv("INFRA_OUTPUTS")
    (place.folder).mkdir(parents=True)
    (place.folder / "outputs.json").write_text('{"cluster": {"servers": "earlier"}}')
    client_platform(environment, place.project)
    assert "taking the outputs that were read on 20" in capsys.readouterr().err
    assert recorded_outputs(place.project, "shared", "cluster") == {"servers": "earlier"}
