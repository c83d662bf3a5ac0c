"""A kept plan, applied in another checkout by real Terraform: as it is, wave by wave, or not at all."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from modules.artefact.content import Content, content_of
from modules.artefact.document import to_document
from modules.artefact.gather import gather, put_back, states_of
from modules.artefact.holds import Now, still_holds
from modules.artefact.keys import AgeKey
from modules.artefact.package import Artefact
from modules.artefact.store import find_artefact, read_artefact, write_artefact
from modules.environment import Environment
from modules.errors import PlanError
from modules.simulated.mirror import write_simulated_mirror
from modules.terraform.engine import Deployment, Options
from modules.terraform.plan import EnvironmentPlan
from modules.terraform.plan_file import LOCK_FILE, with_lock
from modules.terraform.providers import ProviderInstallation
from modules.terraform.snapshots import unmount
from tests.state_backend.conftest import SharedBench, cloud, server, shared  # noqa: F401
from tests.terraform.support import Workbench, data

ENVIRONMENT = Environment(name="test", source="environments/test.yaml", platform="local")


class Bench(Workbench):
    """Two stacks, the second with the first's output, in a checkout with a key."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (root / "environments" / "test.yaml").write_text("platform: local\n")
        self.write()

    def write(self, first: str = "one", second: str = "two") -> None:
        self.stack("first", {"resource": data(a=first), "output": {"said": {"value": "${terraform_data.a.output}"}}})
        self.stack(
            "second",
            {
                "variable": {"first_said": {"type": "string"}},
                "resource": data(b=f"{second} after ${{var.first_said}}"),
                "output": {"said": {"value": "${terraform_data.b.output}"}},
            },
            inputs={"first_said": ("first", "said")},
        )

    def content(self, deployment: Deployment) -> Content:
        return content_of(ENVIRONMENT, self.project, list(self.sources.values()), deployment.command)

    def keep(self, plan: EnvironmentPlan, deployment: Deployment, key: AgeKey, place: Path) -> Artefact:
        return written(
            gather(plan, deployment, ENVIRONMENT, self.project, self.content(deployment), {}, {}), key, place
        )

    def planned_and_kept(self, key: AgeKey, place: Path) -> Artefact:
        deployment = self.deployment()
        return self.keep(deployment.plan(), deployment, key, place)

    def now(self, deployment: Deployment) -> Now:
        return Now("test", False, self.content(deployment).parts, states_of(deployment), {})

    def said(self, stack: str) -> object:
        state = json.loads((self.folder(stack) / "terraform.tfstate").read_text())
        return state["outputs"]["said"]["value"]

    def planned(self) -> list[str]:
        """Stacks that were planned, in that order."""
        return [stack for what, stack, action in self.progress.calls if (what, action) == ("started", "plan")]


def written(artefact: Artefact, key: AgeKey, place: Path) -> Artefact:
    """As it is read back."""
    write_artefact(artefact, key, str(place))
    return read_artefact(find_artefact(str(place), "test", None), key)


def another_checkout(here: Bench, folder: Path) -> Bench:
    """The same content elsewhere, with the states but no plugin, lock or plan file."""
    there = Bench(folder)
    for name, source in here.sources.items():
        there.sources[name].json_path.write_bytes(source.json_path.read_bytes())
        state = here.folder(name) / "terraform.tfstate"
        if state.exists():
            there.folder(name).mkdir(parents=True, exist_ok=True)
            shutil.copy(state, there.folder(name))
    return there


def applied_elsewhere(here: Bench, kept: Artefact, folder: Path) -> tuple[Bench, Deployment]:
    """Another checkout, in which the kept plan still held and was applied."""
    there = another_checkout(here, folder)
    deployment = there.deployment()
    assert still_holds(kept, there.now(deployment)) == ()
    deployment.apply(put_back(kept, deployment, there.project))
    return there, deployment


def test_a_first_deploy_planned_here_is_applied_elsewhere_the_next_wave_as_approved(
    tmp_path: Path, key: AgeKey
) -> None:
    here = Bench(tmp_path / "here")
    there, _ = applied_elsewhere(here, here.planned_and_kept(key, tmp_path / "plan"), tmp_path / "there")

    assert there.said("second") == "two after one"
    assert there.planned() == ["second"]
    assert not [*tmp_path.glob("there/.infra/**/plan.tfplan")]


def test_unchanged_it_is_applied_without_planning_anything(tmp_path: Path, key: AgeKey) -> None:
    here = Bench(tmp_path / "here")
    here.deployment().apply(here.deployment().plan())
    here.write(second="three")
    kept = here.planned_and_kept(key, tmp_path / "plan")
    there, deployment = applied_elsewhere(here, kept, tmp_path / "there")

    assert there.said("second") == "three after one"
    assert there.planned() == []
    moved = still_holds(kept, there.now(deployment))
    before, now = kept.states["second"], there.now(deployment).states["second"]
    assert before and now
    assert moved == (
        f"state of stack second was changed since: its serial was {before.serial}, now it is {now.serial}",
    )


def test_a_wave_that_comes_out_otherwise_than_approved_stops_for_review(tmp_path: Path, key: AgeKey) -> None:
    here = Bench(tmp_path / "here")
    here.deployment().apply(here.deployment().plan())
    here.write(first="ONE")
    kept = here.planned_and_kept(key, tmp_path / "plan")

    there = another_checkout(here, tmp_path / "there")
    deployment = there.deployment()
    with pytest.raises(PlanError) as stopped:
        deployment.apply(put_back(kept, deployment, there.project))
    assert stopped.value.what == "planned against the real outputs, it is not what was approved"
    assert stopped.value.where == "stack second"
    assert stopped.value.details[0] == "terraform_data.b: update was not approved"
    assert (there.said("first"), there.said("second")) == ("ONE", "two after one")


def test_one_byte_of_a_state_is_found_and_terraform_would_not_have(tmp_path: Path, key: AgeKey) -> None:
    bench = Bench(tmp_path / "here")
    bench.deployment().apply(bench.deployment().plan())
    bench.write(second="three")
    kept = bench.planned_and_kept(key, tmp_path / "plan")
    state = bench.folder("first") / "terraform.tfstate"
    state.write_bytes(state.read_bytes().replace(b'"value": "one"', b'"value": "onE"', 1))

    serial = json.loads(state.read_text())["serial"]
    assert still_holds(kept, bench.now(bench.deployment())) == (
        f"state of stack first was changed since: it has the same serial ({serial}) and another content",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "the state file is malformed"),
        (b'{"version": 3, "checkpoint": {}, "deployment": {"resources": []}}', "Pulumi"),
    ],
)
def test_a_state_that_is_none_or_another_tools_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, message: str
) -> None:
    bench = Bench(tmp_path / "here")
    bench.deployment().apply(bench.deployment().plan())
    state = bench.folder("first") / "terraform.tfstate"
    state.write_bytes(content)

    with pytest.raises(PlanError) as refused:
        states_of(bench.deployment())
    assert message in str(refused.value)
    assert state.read_bytes() == content


def test_a_plan_file_that_another_run_replaced_is_not_kept(tmp_path: Path, key: AgeKey) -> None:
    bench = Bench(tmp_path / "here")
    at = bench.deployment()
    plan = at.plan()
    (bench.folder("first") / "plan.tfplan").write_bytes(b"another")
    with pytest.raises(PlanError, match="the plan file is gone or was made anew by another run"):
        bench.keep(plan, at, key, tmp_path / "plan")


# --- the dependency lock ---


class WithPlugin(Bench):
    """One stack with a resource of a plugin, installed the way official ones are: from a mirror, locked."""

    def __init__(self, root: Path, mirror: Path) -> None:
        super().__init__(root)
        self.mirror = mirror

    def write(self, first: str = "one", second: str = "two") -> None:
        self.stack(
            "first",
            {
                "terraform": {"required_providers": {"kafka": {"source": "mongey/kafka"}}},
                "provider": {"kafka": [{"bootstrap_servers": ["127.0.0.1:1"]}]},
                "resource": {"kafka_topic": {"a": {"name": first, "partitions": 1, "replication_factor": 1}}},
            },
        )

    def deployment(self, **options: object) -> Deployment:
        plugins = ProviderInstallation("official", self.mirror)
        return Deployment(self.project, "test", list(self.sources.values()), plugins, Options(progress=self.progress))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INFRA_CACHE", str(tmp_path / "cache"))
    write_simulated_mirror(tmp_path / "mirror", tmp_path / "store.sqlite")
    return tmp_path / "mirror"


def test_elsewhere_plugins_are_initialised_with_the_lock_the_plan_was_made_with(
    tmp_path: Path, key: AgeKey, mirror: Path
) -> None:
    here = WithPlugin(tmp_path / "here", mirror)
    kept = here.planned_and_kept(key, tmp_path / "plan")
    assert b"registry.terraform.io/mongey/kafka" in kept.files["first"].lock

    there = WithPlugin(tmp_path / "there", mirror)
    deployment = there.deployment()
    # A lock of an earlier time, with a hash more.
    there.folder("first").mkdir(parents=True)
    other = kept.files["first"].lock.replace(b"hashes = [", b'hashes = [\n    "zh:' + b"0" * 64 + b'",')
    (there.folder("first") / LOCK_FILE).write_bytes(other)
    deployment.apply(put_back(kept, deployment, there.project))

    assert (there.folder("first") / LOCK_FILE).read_bytes() == kept.files["first"].lock
    state = json.loads((there.folder("first") / "terraform.tfstate").read_text())
    assert [each["name"] for each in state["resources"]] == ["a"]
    assert there.planned() == []


def test_only_the_lock_of_a_plan_file_is_another_afterwards(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "here")
    bench.deployment().plan()
    before = (bench.folder("first") / "plan.tfplan").read_bytes()
    after = with_lock(before, b"another")

    with zipfile.ZipFile(io.BytesIO(before)) as old, zipfile.ZipFile(io.BytesIO(after)) as new:
        assert old.namelist() == new.namelist()
        moved = [name for name in old.namelist() if old.read(name) != new.read(name)]
    assert moved == [LOCK_FILE]
    with pytest.raises(PlanError, match="this is no plan file of Terraform"):
        with_lock(b"nothing of the kind", b"")


def test_imports_that_wait_travel_along(tmp_path: Path, key: AgeKey) -> None:
    here = Bench(tmp_path / "here")
    at = here.deployment()
    at.adopt({"second": {"terraform_data.b": "id-1"}})
    kept = here.keep(at.plan(), at, key, tmp_path / "plan")
    there = another_checkout(here, tmp_path / "there")
    deployment = there.deployment()
    put_back(kept, deployment, there.project)

    assert there.deployment().folders["second"].adopting() == {"terraform_data.b": "id-1"}
    assert [change.kind for change in replace(kept.plan).stack("second").changes] == ["import"]


# --- secrets ---


def test_a_secret_that_a_plan_file_holds_in_clear_is_nowhere_in_the_artefact(tmp_path: Path, key: AgeKey) -> None:
    canary = "canary-5f1d-in-a-plan-file"
    bench = Bench(tmp_path / "here")
    del bench.sources["second"]
    bench.stack(
        "first",
        {"variable": {"login": {"sensitive": True, "type": "string"}}, "resource": data(a="${var.login}")},
    )
    at = bench.deployment(secrets={"login": canary})
    plan = at.plan()
    with zipfile.ZipFile(bench.folder("first") / "plan.tfplan") as plan_file:
        assert canary.encode() in plan_file.read("tfplan")  # the reason for encrypting all of it

    kept = bench.keep(plan, at, key, tmp_path / "plan")
    assert canary.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "plan").iterdir())
    assert canary not in json.dumps(to_document(kept.plan))
    assert canary not in repr(kept)
    deployment = bench.deployment(secrets={"login": canary})
    deployment.apply(put_back(kept, deployment, bench.project))


# --- states in a bucket ---


def test_a_plan_made_on_one_machine_is_applied_on_another_with_states_in_a_bucket(
    tmp_path: Path,
    key: AgeKey,
    shared: SharedBench,  # noqa: F811
) -> None:
    def content(bench: SharedBench, deployment: Deployment) -> Content:
        (bench.root / "environments" / "test.yaml").write_text("platform: local\n")
        return content_of(ENVIRONMENT, bench.project, list(bench.sources.values()), deployment.command)

    shared.stack("first", {"resource": data(a="one")})
    shared.deployment().apply(shared.deployment().plan())
    shared.stack("first", {"resource": data(a="two")})
    at = shared.deployment()
    made = gather(at.plan(), at, ENVIRONMENT, shared.project, content(shared, at), {}, {})
    kept = written(made, key, tmp_path / "plan")

    other = shared.again(tmp_path / "elsewhere")
    deployment = other.deployment()
    now = Now("test", False, content(other, deployment).parts, states_of(deployment), {})
    assert still_holds(kept, now) == ()
    deployment.apply(put_back(kept, deployment, other.project))
    assert not [call for call in other.progress.calls if call[2] == "plan"]
    assert not deployment.plan().has_changes
    after = replace(now, states=states_of(deployment))
    assert [line.partition(":")[0] for line in still_holds(kept, after)] == ["state of stack first was changed since"]
    unmount(other.project.environment_state("test"))
