"""`infra state migrate`: there and back, killed at each step, refused where two states are not one; forgotten ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modules.errors import StateError, StateLockedError
from modules.state.migrate import migrate
from modules.state.places import Bucket, Files
from modules.terraform.backend import mount_states, remembered
from modules.terraform.s3 import S3Backend
from modules.terraform.snapshots import mounted
from tests.state_backend.project import Place, state


def test_states_go_into_the_bucket_and_back_byte_for_byte(place: Place) -> None:
    place.yaml("local")
    before = {name: state(serial, name) for serial, name in ((7, "cluster"), (9, "topics"))}
    for name, content in before.items():
        place.local(name, content)
    place.yaml()
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes", "--json") == 0, place.err
    assert {name: place.held(name) for name in before} == before
    assert not list(place.folder.glob("*/terraform.tfstate"))
    backups = {path.parent.parent.name: path.read_bytes() for path in place.folder.glob("*/backups/*.tfstate")}
    assert backups == before
    done = json.loads(place.out)
    assert done["to"] == f"s3://{place.bucket}/streaming/shared"
    assert [(each["stack"], each["how"], each["serial"]) for each in done["stacks"]] == [
        ("cluster", "copy", 7), ("topics", "copy", 9),
    ]  # fmt: skip
    # Again: nothing is left to do.
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 0
    assert "cluster: there already (serial 7, 1 resource)" in place.err
    # And back, from the YAML as it was changed by hand.
    place.yaml("local")
    assert place.infra("state", "migrate", "--env", "shared", "--to", "local", "--yes") == 0, place.err
    assert {name: (place.folder / name / "terraform.tfstate").read_bytes() for name in before} == before
    assert place.held("cluster") is None and remembered(place.folder) is None
    assert (place.folder / "cluster" / "terraform.tfstate").stat().st_mode & 0o777 == 0o600
    versions = store_of(place).versions("cluster")
    assert [each.deleted for each in versions] == [True, False]


def store_of(place: Place) -> S3Backend:
    from modules.environment.state import S3State
    from tests.state_backend.cloud import REGION

    return S3Backend(S3State(bucket=place.bucket, region=REGION, endpoint=place.cloud.endpoint), "streaming", "shared")


def test_without_a_yes_nobody_there_to_ask_means_no(place: Place) -> None:
    place.local("cluster", state())
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3") == 1
    assert "there is nobody to confirm" in place.err and "cluster: copy (serial 1, 1 resource)" in place.err
    assert place.held("cluster") is None


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--yes"), ("output",), ("drift",), ("status",)])
def test_a_forgotten_migration_is_refused_by_every_command(place: Place, command: tuple[str, ...]) -> None:
    place.local("cluster", state())
    assert place.infra(*command, "--env", "shared") == 1
    assert place.err.splitlines()[-2:] == [
        "error: environments/shared.yaml: state: the states of shared are in files on this machine (stack cluster), "
        f"but its YAML says s3://{place.bucket}/streaming/shared: planned like this, everything would be made a second "
        "time",
        "  → `infra state migrate --env shared --to s3` carries them over; or put the YAML back",
    ]


def test_the_reverse_and_another_bucket_are_refused_as_well(place: Place) -> None:
    place.put("cluster", state(name="x"))
    assert place.infra("output", "--env", "shared", "--json") == 0, place.err
    assert json.loads(place.out) == {"cluster": {"name": "x"}}
    # An output alone leaves no note; whoever worked with the states here did.
    from modules.environment import load_environment
    from modules.terraform.backend import remember

    store = mount_states(load_environment(place.project, "shared"), place.project)
    assert store is not None
    remember(place.folder, store)
    place.yaml("local")
    assert place.infra("plan", "--env", "shared") == 1
    assert "`infra state migrate --env shared --to local` carries them over" in place.err
    assert f"the states of shared are in s3://{place.bucket}/streaming/shared, but its YAML says files" in place.err
    first, place.bucket = place.bucket, place.cloud.bucket()
    place.yaml()
    assert place.infra("plan", "--env", "shared") == 1
    assert "`infra state migrate --env shared --to s3` carries them over" in place.err
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 0, place.err
    assert place.held("cluster") == state(name="x")
    assert f"from s3://{first}/streaming/shared to s3://{place.bucket}/streaming/shared" in place.err
    assert place.infra("output", "--env", "shared", "--json") == 0


def test_different_lineages_are_refused_before_anything_is_written(place: Place) -> None:
    place.local("cluster", state(5, "mine"))
    place.local("topics", state(5, "other"))
    place.put("topics", state(3, "theirs", ("a", "b")))
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 1
    assert "both places have a state of this stack, of different lineages" in place.err
    assert "lineage other, serial 5, 1 resource" in place.err and "lineage theirs, serial 3, 2 resources" in place.err
    assert place.held("cluster") is None
    assert place.held("topics") == state(3, "theirs", ("a", "b"))


def test_a_newer_state_is_never_replaced_and_an_older_copy_is(place: Place) -> None:
    place.local("cluster", state(5))
    for there, refused in ((state(6), True), (state(5, names=("b",)), True), (state(4), False)):
        place.put("cluster", there)
        code = place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes")
        if refused:
            assert code == 1 and "the one it would replace is as new or newer" in place.err
            assert place.held("cluster") == there
        else:
            assert code == 0, place.err
            assert "cluster: replace an older copy" in place.err and place.held("cluster") == state(5)


def test_empty_states_of_another_lineage_stand_in_nobodys_way(place: Place) -> None:
    place.local("cluster", state(5, "full"))
    place.put("cluster", state(2, "empty", ()))
    place.local("topics", state(2, "empty", ()))
    place.put("topics", state(5, "full"))
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 0, place.err
    assert place.held("cluster") == state(5, "full") and place.held("topics") == state(5, "full")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"version": 4, "serial": 1, "resou', "the state is malformed"),
        (b'{"version": 3, "checkpoint": {}}', "this is a state of Pulumi, not of Terraform"),
        (state(1, "simulated-1"), "this state was made by an offline rehearsal"),
    ],
)
def test_what_is_no_state_of_this_kind_is_not_carried_over(place: Place, content: bytes, words: str) -> None:
    path = place.local("cluster", content)
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 1
    assert words in place.err
    assert path.read_bytes() == content and place.held("cluster") is None


class Killed(BaseException):
    """As SIGKILL: nothing of the program runs any more."""


@pytest.mark.parametrize("to", ["s3", "local"])
def test_a_migration_that_is_killed_at_any_step_goes_on_and_ends_the_same(
    place: Place, to: str, tmp_path: Path
) -> None:
    """Each step in turn. Only the locks are taken away in good order; `test_a_killed_migration_…` has
    a real SIGKILL that leaves them."""
    steps: list[str] = []
    step = 0
    names = ("cluster", "topics") if to == "s3" else ("cluster",)
    contents = {name: state(7, name) for name in names}
    while True:
        root = tmp_path / f"{to}{step}"
        store = store_of(place)
        store.folder = f"killed/{to}{step}"
        files, bucket = Files(root), Bucket(store)
        source, target = (files, bucket) if to == "s3" else (bucket, files)
        for name, content in contents.items():
            source.write(name, content, None)
        steps.clear()

        def said(stack: str, what: str, last: int = step) -> None:
            steps.append(what)
            if len(steps) == last + 1:
                raise Killed

        try:
            migrate(root, source, target, said)
        except Killed:
            pass
        else:
            break
        # Nothing is ever in neither place.
        for name, content in contents.items():
            there = [found.content for each in (source, target) if (found := each.fetch(name))]
            assert content in there
        migrate(root, source, target, lambda stack, what: None)
        assert not source.stacks()
        arrived = {name: target.fetch(name) for name in contents}
        assert {name: found.content for name, found in arrived.items() if found} == contents
        step += 1
    each = len(names)
    assert steps == ["lock"] * each + ["copy"] * each + ["remove"] * each + ["remember"] and step == len(steps)


def test_a_killed_migration_leaves_locks_that_are_named_and_go_by_unlock(place: Place) -> None:
    place.local("cluster", state(7))
    script = (
        "import os, signal, sys; from pathlib import Path; from modules.environment.state import S3State\n"
        "from modules.state.migrate import migrate; from modules.state.places import Bucket, Files\n"
        "from modules.terraform.s3 import S3Backend\n"
        "root, bucket, endpoint = Path(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
        "its = S3State(bucket=bucket, region='eu-central-1', endpoint=endpoint)\n"
        "store = S3Backend(its, 'streaming', 'shared')\n"
        "def said(stack, step):\n"
        "    if step == 'remove': os.kill(os.getpid(), signal.SIGKILL)\n"
        "migrate(root, Files(root), Bucket(store), said)\n"
    )
    child = subprocess.run([sys.executable, "-c", script, str(place.folder), place.bucket, place.cloud.endpoint])
    assert child.returncode == -9
    assert place.held("cluster") == state(7) and (place.folder / "cluster" / "terraform.tfstate").exists()
    assert place.infra("plan", "--env", "shared") == 1 and "infra state migrate --env shared --to s3" in place.err
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 1
    assert "(migrate) since" in place.err and "`infra unlock --env shared` removes its lock" in place.err
    assert place.infra("unlock", "--env", "shared", "--yes") == 0, place.err
    assert place.infra("state", "migrate", "--env", "shared", "--to", "s3", "--yes") == 0, place.err
    assert "cluster: copied already (serial 7, 1 resource)" in place.err
    assert not (place.folder / "cluster" / "terraform.tfstate").exists()


def test_a_state_that_somebody_holds_is_not_carried_over(place: Place) -> None:
    path = place.local("cluster", state(7))
    store = store_of(place)
    with store.lock("cluster", "OperationTypeApply"), pytest.raises(StateLockedError, match=r"\(apply\) since"):
        migrate(place.folder, Files(place.folder), Bucket(store), lambda *_: None)
    assert path.exists() and store.fetch("cluster") is None


def test_a_copy_that_is_not_what_was_copied_is_not_believed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.local("cluster", state(7))
    store = store_of(place)
    whole = Bucket.write
    torn = lambda self, stack, content, replaces: whole(self, stack, content[:-1] + b" }", replaces)  # noqa: E731
    monkeypatch.setattr(Bucket, "write", torn)
    with pytest.raises(StateError, match="the copy is not what was copied; the original stays"):
        migrate(place.folder, Files(place.folder), Bucket(store), lambda *_: None)
    assert path.read_bytes() == state(7)


def test_a_rehearsal_keeps_its_own_states_here_and_asks_no_bucket(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    place.local("cluster", state())
    assert place.infra("output", "--env", "shared", "--offline", "--json") == 0, place.err
    assert mounted(place.project.state / "offline" / "env" / "shared") is None
