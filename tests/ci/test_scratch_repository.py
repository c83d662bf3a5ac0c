"""The generated GitHub workflows, run step by step on a scratch repository with a bare remote.

The long form has the laptop platform under it and goes the whole way: pull request, comment, merge, the reviewed plan
applied, smoke, drift. The short one is what a fork sees: rehearsals without any credential.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.platforms import platform_for
from modules.project import Project, cache_dir
from tests.ci.forge import Forge, git
from tests.ci.runner import Event, Run, Runner

ROOT = Path(__file__).parents[2]
PLAN, DEPLOY, DRIFT = (f".github/workflows/infra-{name}.yml" for name in ("plan", "deploy", "drift"))

LOCAL = """\
extends: base
platform: local
connect: {kind: sink}
topics:
  payments: {partitions: 2, retention: 7d}
slo: # how fast it is, is not the question here
  acknowledged: {p99: 60s}
  row_visible: {p50: 60s, p95: 60s}
"""
DEV = """\
extends: base
platform: confluent
confluent: {tier: basic, region: us-east-1}
"""


class Scratch:
    """A repository, who works in it, and what its service runs."""

    def __init__(self, folder: Path, environments: Mapping[str, str], options: tuple[str, ...], **given: Any) -> None:
        self.forge = Forge.create(folder / "forge")
        self.runner = Runner(self.forge, folder / "runner", **given)
        self.clone = folder / "clone"
        git(folder, "clone", "--quiet", str(self.forge.remote), str(self.clone))
        git(self.clone, "switch", "--quiet", "--create", "main")
        shutil.copytree(ROOT / "environments" / "schemas", self.clone / "environments" / "schemas")
        shutil.copy(ROOT / "environments" / "base.yaml", self.clone / "environments" / "base.yaml")
        for name, text in environments.items():
            (self.clone / "environments" / f"{name}.yaml").write_text(text)
        (self.clone / ".gitignore").write_text(".infra/\n")
        self.infra("ci", "init", "github", "--install", "command -v infra", *options)
        self.commit("The platform, and how it is deployed", "main")

    def infra(self, *arguments: str) -> None:
        command = [str(Path(sys.executable).parent / "infra"), *arguments]
        done = subprocess.run(command, cwd=self.clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def commit(self, message: str, branch: str) -> None:
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--message", message)
        git(self.clone, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    def change(self, name: str, old: str, new: str, message: str, branch: str) -> None:
        """One edit of an environment's file, committed and pushed."""
        file = self.clone / "environments" / f"{name}.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.commit(message, branch)

    def branch(self, name: str) -> None:
        """A new branch from main as it is now."""
        git(self.clone, "fetch", "--quiet", "origin")
        git(self.clone, "switch", "--quiet", "--create", name, "origin/main")

    def comments(self) -> list[str]:
        return [each["body"] for each in self.forge.read("comments")]


def succeeded(run: Run, *skipped: str) -> None:
    wanted = {name: "skipped" if name in skipped else "success" for name in run.jobs}
    assert run.outcomes == wanted, run.log


def test_a_pull_request_without_credentials_is_rehearsed_and_commented_on(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, {"dev": DEV}, (), variables={}, extra={"INFRA_CACHE": str(cache_dir())})
    scratch.branch("more")
    scratch.change("dev", "platform:", "topics: {clicks: {partitions: 3}}\nplatform:", "Clicks", "more")
    pull = scratch.forge.open_pull_request("more")
    run = scratch.runner.run(PLAN, Event.pull_request(pull))
    succeeded(run, "plan-dev")
    (comment,) = scratch.comments()
    assert comment.startswith("<!-- infra plan dev -->\n")
    assert "clicks" in comment and "order-events" not in comment  # the change, not "create all"
    assert "Rehearsed with simulated providers" in comment
    assert comment in run.jobs["rehearse"].summary

    # From a fork, and not even valid: it is told where, and nothing that may write is started for it.
    scratch.branch("theirs")
    scratch.change("dev", "platform:", "topics: {views: {partitions: none}}\nplatform:", "Views", "theirs")
    run = scratch.runner.run(PLAN, Event.pull_request(scratch.forge.open_pull_request("theirs", fork=True)))
    assert run.outcomes == dict.fromkeys(run.jobs, "skipped") | {"validate": "failure"}
    assert "environments/dev.yaml:2: topics.views.partitions" in run.jobs["validate"].log
    assert scratch.comments() == [comment]

    # And a merge deploys nothing before somebody has set the credentials up.
    succeeded(scratch.runner.run(DEPLOY, Event.on_main("push", scratch.forge)), "deploy-dev")


def test_prices_that_moved_are_proposed_once_on_a_branch_of_their_own(tmp_path: Path) -> None:
    msk = "extends: base\nplatform: msk\nmsk: {mode: serverless, region: us-east-1, registry: {kind: glue}}\n"
    scratch = Scratch(tmp_path, {"dev": msk}, (), variables={}, extra={})
    read = scratch.forge.add("artifacts", name="infra-prices", expired=False, workflow_run={"id": 0})
    store = scratch.forge.root / "store" / str(read["id"])
    store.mkdir(parents=True)
    scratch.runner.given = [read]
    nightly = Event.on_main("schedule", scratch.forge)

    (store / "read").write_text("at some time\n")
    succeeded(scratch.runner.run(DRIFT, nightly, only="propose"))
    assert scratch.forge.read("proposed") == []  # nothing moved

    (store / "2026-11-22-aws.yaml").write_text("prices: {}\n")
    for _ in range(2):  # the next night finds its own pull request still open
        succeeded(scratch.runner.run(DRIFT, nightly, only="propose"))
    (proposed,) = scratch.forge.read("proposed")
    assert (proposed["head"], proposed["base"]) == ("infra/prices", "main")
    changed = git(scratch.forge.remote, "diff", "--name-only", "main", "infra/prices")
    assert changed == "environments/prices/2026-11-22-aws.yaml"


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Scratch]:
    """A project on the laptop platform, whose runner stays."""
    options = ("--env", "local", "--on-smoke-failure", "rollback")
    extra = {"INFRA_CACHE": str(cache_dir())}
    scratch = Scratch(tmp_path, {"local": LOCAL}, options, variables={}, extra=extra)
    try:
        yield scratch
    finally:
        from modules.local.platform import down

        down(Project(tmp_path / "runner" / "machine" / "work"))


@pytest.mark.soak
@pytest.mark.platform
@pytest.mark.timeout(1800)
def test_from_pull_request_to_drift_on_the_laptop_platform(local: Scratch) -> None:
    forge, runner = local.forge, local.runner

    # Nothing was ever reviewed: the first run plans, shows the plan and stops; the second applies that plan.
    first = runner.run(DEPLOY, Event.on_main("push", forge))
    assert first.outcomes == {"deploy-local": "failure"}, first.log
    assert "No plan of this content was reviewed for local" in first.log
    assert "order-events" in first.jobs["deploy-local"].summary
    again = runner.run(DEPLOY, Event.on_main("workflow_dispatch", forge))
    succeeded(again)

    # A pull request: one comment, which a further push renews.
    local.branch("clicks")
    local.change("local", "payments:", "clicks: {partitions: 3}\n  payments:", "Clicks", "clicks")
    pull = forge.open_pull_request("clicks")
    run = runner.run(PLAN, Event.pull_request(pull))
    succeeded(run, "rehearse")
    (comment,) = local.comments()
    assert comment.startswith("<!-- infra plan local -->\n")
    assert "clicks" in comment and "payments" not in comment
    local.change("local", "partitions: 3", "partitions: 4", "One more", "clicks")
    pull = forge.renew(pull)
    succeeded(runner.run(PLAN, Event.pull_request(pull)), "rehearse")
    (renewed,) = local.comments()
    assert renewed != comment and "clicks" in renewed

    # Merged: exactly the plan of the last push is fetched, applied and measured.
    pull = forge.merge(pull)
    run = runner.run(DEPLOY, Event.merged(pull))
    succeeded(run)
    job = run.jobs["deploy-local"]
    assert job.step("Plan for review, where none was reviewed or something is left").outcome == "skipped"
    plans = [each for each in forge.read("artifacts") if each["name"].startswith("infra-plan-local-")]
    fetched = job.step("Find the reviewed plan").outputs["run"]
    assert [each["workflow_run"]["head_sha"] for each in plans if str(each["workflow_run"]["id"]) == fetched] == [
        pull["head"]["sha"]
    ]
    assert "clicks" in job.step("Apply it and measure").log

    # The state moves between review and merge: that plan is refused, what is left is planned, kept, and applied by the
    # next run on the same commit.
    local.branch("late")
    local.change("local", "partitions: 4", "partitions: 5", "Late", "late")
    pull = forge.open_pull_request("late")
    succeeded(runner.run(PLAN, Event.pull_request(pull)), "rehearse")
    state = runner.folder / "machine" / "work" / ".infra" / "env" / "local" / "topics" / "terraform.tfstate"
    content = json.loads(state.read_text())
    state.write_text(json.dumps({**content, "serial": content["serial"] + 1}))
    run = runner.run(DEPLOY, Event.merged(forge.merge(pull)))
    assert run.outcomes == {"deploy-local": "failure"}, run.log
    job = run.jobs["deploy-local"]
    assert job.step("Apply it and measure").outputs == {"left": "yes"}, run.log
    assert "state of stack topics was changed since" in job.log
    assert "was refused or stopped half-way" in job.summary and "partitions" in job.summary
    again = runner.run(DEPLOY, Event.on_main("workflow_dispatch", forge))
    succeeded(again)
    assert again.jobs["deploy-local"].step("Find the reviewed plan").outputs["run"] == str(run.id)

    # At night: nothing has drifted; then somebody has been at it, and an issue says so until it is right again.
    succeeded(runner.run(DRIFT, Event.on_main("schedule", forge)))
    assert forge.read("issues") == []
    _set_retention(local, "payments", "3600000")
    run = runner.run(DRIFT, Event.on_main("schedule", forge))
    assert run.outcomes == {"drift-local": "failure", "report": "success"}, run.log
    (issue,) = forge.read("issues")
    assert issue["title"] == "Drift: local" and issue["state"] == "open" and "payments" in issue["body"]
    _set_retention(local, "payments", str(7 * 86_400_000))
    succeeded(runner.run(DRIFT, Event.on_main("schedule", forge)))
    assert [each["state"] for each in forge.read("issues")] == ["closed"]

    # A merge that misses its SLOs is rolled back, and the job says so by failing.
    local.branch("slow")
    text = (local.clone / "environments" / "local.yaml").read_text()
    slow = text.replace("{p99: 60s}", "{p99: 1ms}").replace("retention: 7d", "retention: 3d")
    local.change("local", text, slow, "Shorter, and impossible to meet", "slow")
    pull = forge.open_pull_request("slow")
    succeeded(runner.run(PLAN, Event.pull_request(pull)), "rehearse")
    run = runner.run(DEPLOY, Event.merged(forge.merge(pull)))
    assert run.outcomes == {"deploy-local": "failure"}, run.log
    job = run.jobs["deploy-local"]
    assert job.step("Apply it and measure").outputs == {"smoke": "missed"}, run.log
    assert job.step("Roll back to the revision before").outcome == "success", run.log
    assert _retention(local, "payments") == str(7 * 86_400_000)


def _admin(local: Scratch) -> Any:
    """Somebody with the administrator's login and a tool of their own."""
    from confluent_kafka.admin import AdminClient

    project = Project(local.runner.folder / "machine" / "work")
    return AdminClient({**platform_for(load_environment(project, "local"), project).kafka_client("admin")})


def _resource(topic: str, **settings: str) -> Any:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

    entries = [
        ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
        for name, value in settings.items()
    ]
    return ConfigResource("topic", topic, incremental_configs=entries)


def _set_retention(local: Scratch, topic: str, milliseconds: str) -> None:
    admin = _admin(local)
    for future in admin.incremental_alter_configs([_resource(topic, retention_ms=milliseconds)]).values():
        future.result(10)


def _retention(local: Scratch, topic: str) -> str:
    admin = _admin(local)
    (future,) = admin.describe_configs([_resource(topic)]).values()
    return str(future.result(10)["retention.ms"].value)
