"""Runs a workflow's jobs on this machine: every `run:` step as GitHub's runner does, with the environment it gives.

A `uses:` step is one of four actions, each with its local equivalent here; expressions are those of `expressions.py`.
Whatever else a workflow may hold ends the run with an error, so that no step is passed over silently.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ci.expressions import STATUS, Status, evaluate, fill
from tests.ci.forge import FORK_ID, REPOSITORY, REPOSITORY_ID, Forge, git

__all__ = ["Event", "Job", "Run", "Runner", "Step"]

ROOT = Path(__file__).parents[2]
_KEYS = {"name", "needs", "if", "runs-on", "timeout-minutes", "environment", "permissions", "strategy", "env", "steps"}
_STEP_KEYS = {"name", "id", "if", "uses", "with", "run", "env"}


@dataclass(frozen=True)
class Event:
    """What started a run: GitHub's `github` context, as far as the workflows ask for it."""

    name: str
    ref: str
    sha: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    head_sha: str = ""
    base_ref: str = ""

    @classmethod
    def pull_request(cls, pull: Mapping[str, Any]) -> Event:
        head = "someone/streaming" if pull["fork"] else REPOSITORY
        payload = {
            "number": pull["number"],
            "head": {"repo": {"full_name": head}},
            "user": {"login": "ada"},
        }
        ref = f"refs/pull/{pull['number']}/merge"
        return cls("pull_request", ref, pull["merge"], {"pull_request": payload}, pull["head"]["sha"], "main")

    @classmethod
    def merged(cls, pull: Mapping[str, Any]) -> Event:
        return cls("push", "refs/heads/main", pull["merged"], {"before": pull["before"]})

    @classmethod
    def on_main(cls, name: str, forge: Forge) -> Event:
        return cls(name, "refs/heads/main", git(forge.remote, "rev-parse", "main"))


@dataclass
class Step:
    """What became of one step."""

    name: str
    outcome: str
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """What became of one job."""

    name: str
    outcome: str = "success"
    steps: list[Step] = field(default_factory=list)
    summary: str = ""

    @property
    def log(self) -> str:
        return "\n".join(f"--- {step.name}: {step.outcome}\n{step.log}" for step in self.steps)

    def step(self, name: str) -> Step:
        return next(each for each in self.steps if each.name == name)


@dataclass
class Run:
    """One run of a workflow."""

    id: int
    path: str
    event: Event
    jobs: dict[str, Job] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: job.outcome for name, job in self.jobs.items()}

    @property
    def log(self) -> str:
        return "\n".join(f"=== {name}: {job.outcome}\n{job.log}" for name, job in self.jobs.items())


@dataclass
class _Place:
    """Where a job runs."""

    workspace: Path
    temp: Path
    environment: dict[str, str]
    contexts: dict[str, Any]
    run: Run
    job: Job


class Runner:
    """Runs workflows of a forge's repository.

    Args:
        variables: the `vars` context.
        extra: variables of the runner's machine, such as where the cache of downloads is.
    """

    def __init__(self, forge: Forge, folder: Path, *, variables: Mapping[str, str], extra: Mapping[str, str]) -> None:
        self.forge = forge
        self.folder = folder
        self.variables = dict(variables)
        self.secrets: dict[str, str] = {}
        self.given: list[dict[str, Any]] = []
        """Artefacts that are there in every run, for a job that is run alone."""
        self.extra = dict(extra)
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        (folder / "home").mkdir()
        stand_in = self.bin / "gh"
        stand_in.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.ci.gh "$@"\n')
        stand_in.chmod(0o755)

    def run(self, path: str, event: Event, *, only: str = "") -> Run:
        """The workflow as the event's revision has it; `only` one job of it, as if those before it had succeeded."""
        text = git(self.forge.remote, "show", f"{event.sha}:{path}")
        workflow = yaml.safe_load(text)
        assert event.name in workflow[True], f"{path} does not start on {event.name}"  # YAML 1.1 reads `on` as true
        assert workflow["defaults"] == {"run": {"shell": "bash"}}
        assert workflow["permissions"] == {}
        made = self.forge.add("runs", path=path, event=event.name, head_sha=event.head_sha or event.sha)
        run = Run(made["id"], path, event, environment=workflow.get("env", {}))
        waiting = dict(workflow["jobs"])
        if only:
            self._job(run, only, {key: value for key, value in waiting[only].items() if key != "needs"})
            return run
        while waiting:
            name = next(each for each, job in waiting.items() if not set(_needs(job)) & set(waiting))
            self._job(run, name, waiting.pop(name))
        return run

    def _job(self, run: Run, name: str, declared: Mapping[str, Any]) -> None:
        assert not set(declared) - _KEYS, f"{name}: not understood: {set(declared) - _KEYS}"
        event = run.event
        contexts: dict[str, Any] = {
            "github": {
                "event": event.payload, "repository": REPOSITORY, "ref": event.ref, "sha": event.sha,
                "token": ",".join(f"{key}:{value}" for key, value in declared["permissions"].items()),
            },
            "vars": self.variables,
            "secrets": self.secrets,
        }  # fmt: skip
        before = [run.jobs[each].outcome for each in _needs(declared)]
        status = Status("failure" in before, "skipped" in before)
        if not _wanted(declared.get("if"), contexts, status):
            run.jobs[name] = Job(name, "skipped")
            return
        for matrix in _matrix(declared):
            job = Job(f"{name}-{matrix['environment']}" if matrix else name)
            run.jobs[name if not matrix else job.name] = job
            self._steps(run, job, declared, {**contexts, "matrix": matrix})
            if matrix:
                worst = job.outcome if name not in run.jobs or job.outcome != "success" else run.jobs[name].outcome
                run.jobs[name] = Job(name, worst, job.steps, job.summary)

    def _steps(self, run: Run, job: Job, declared: Mapping[str, Any], contexts: dict[str, Any]) -> None:
        stays = declared["runs-on"] == "self-hosted"
        home = self.folder / ("machine" if stays else f"machine-{run.id}-{job.name}")
        temp = home / "temp"
        shutil.rmtree(temp, ignore_errors=True)  # a runner empties it before each job
        for each in (home / "work", temp):
            each.mkdir(parents=True, exist_ok=True)
        event = run.event
        environment = {
            "PATH": f"{self.bin}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"), "LANG": "C.UTF-8", "CI": "true", "GITHUB_ACTIONS": "true",
            "FORGE": str(self.forge.root), "GIT_CONFIG_NOSYSTEM": "1",
            "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_SHA": event.sha, "GITHUB_REF": event.ref,
            "GITHUB_BASE_REF": event.base_ref, "GITHUB_EVENT_NAME": event.name, "GITHUB_RUN_ID": str(run.id),
            "GITHUB_WORKSPACE": str(home / "work"), "RUNNER_TEMP": str(temp),
            **self.extra,
            **run.environment,
            **{key: fill(str(value), contexts) for key, value in declared.get("env", {}).items()},
        }  # fmt: skip
        contexts["runner"] = {"temp": str(temp)}
        contexts["steps"] = {}
        place = _Place(home / "work", temp, environment, contexts, run, job)
        for number, step in enumerate(declared["steps"]):
            assert not set(step) - _STEP_KEYS, f"{job.name}: not understood: {set(step) - _STEP_KEYS}"
            status = Status(job.outcome == "failure")
            if not _wanted(step.get("if"), contexts, status):
                job.steps.append(Step(step["name"], "skipped"))
                contexts["steps"][step.get("id", "")] = {"outputs": {}}
                continue
            done = self._script(place, number, step) if "run" in step else self._action(place, step)
            job.steps.append(done)
            contexts["steps"][step.get("id", "")] = {"outputs": done.outputs}
            if done.outcome == "failure":
                job.outcome = "failure"

    def _script(self, place: _Place, number: int, step: Mapping[str, Any]) -> Step:
        """`bash --noprofile --norc -eo pipefail`, as `shell: bash` is on GitHub."""
        files = {name: place.temp.parent / f"{name.lower()}-{number}" for name in ("OUTPUT", "PATH", "STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        script = place.temp.parent / f"step-{number}.sh"
        script.write_text(step["run"])
        given = {key: fill(str(value), place.contexts) for key, value in step.get("env", {}).items()}
        paths = {f"GITHUB_{name}": str(file) for name, file in files.items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=place.workspace, env={**place.environment, **given, **paths}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        place.environment["PATH"] = ":".join([*files["PATH"].read_text().split(), place.environment["PATH"]])
        place.job.summary += files["STEP_SUMMARY"].read_text()
        outputs = dict(line.split("=", 1) for line in files["OUTPUT"].read_text().splitlines())
        return Step(step["name"], "failure" if done.returncode else "success", done.stdout, outputs)

    def _action(self, place: _Place, step: Mapping[str, Any]) -> Step:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"])
        given = {key: fill(str(value), place.contexts) for key, value in step.get("with", {}).items()}
        actions = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda place, given: "the one that runs the tests",
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        try:
            said = actions[step["uses"].split("@")[0]](place, given)
        except FileNotFoundError as error:
            return Step(step["name"], "failure", str(error))
        return Step(step["name"], "success", said)

    def _checkout(self, place: _Place, given: Mapping[str, str]) -> str:
        work, event = place.workspace, place.run.event
        assert given.get("persist-credentials") == "False"
        if not (work / ".git").exists():
            git(work, "init", "--quiet", "--initial-branch=main")
            git(work, "remote", "add", "origin", str(self.forge.remote))
        if given.get("clean") != "False":
            git(work, "clean", "-ffdxq")
        refs = ["+refs/heads/*:refs/remotes/origin/*"] if given.get("fetch-depth") == "0" else []
        git(work, "fetch", "--quiet", "origin", f"+{event.ref}:refs/remotes/event", *refs)
        git(work, "checkout", "--quiet", "--force", "--detach", event.sha)
        return event.sha

    def _upload(self, place: _Place, given: Mapping[str, str]) -> str:
        source = Path(given["path"])
        found = [file for file in source.rglob("*") if file.is_file()] if source.is_dir() else []
        if given.get("include-hidden-files") != "True":
            found = [file for file in found if not any(part.startswith(".") for part in file.relative_to(source).parts)]
        if not found:
            if given.get("if-no-files-found") == "error":
                raise FileNotFoundError(f"nothing to keep in {source}")
            return "nothing to keep"
        run = place.run
        fork = run.event.payload.get("pull_request", {}).get("head", {}).get("repo", {}).get("full_name", REPOSITORY)
        made = self.forge.add(
            "artifacts", name=given["name"], expired=False,
            workflow_run={
                "id": run.id, "head_sha": run.event.head_sha or run.event.sha, "repository_id": REPOSITORY_ID,
                "head_repository_id": REPOSITORY_ID if fork == REPOSITORY else FORK_ID,
            },
        )  # fmt: skip
        store = self.forge.root / "store" / str(made["id"])
        for file in found:
            (store / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, store / file.relative_to(source))
        return f"kept {len(found)} files as {given['name']}"

    def _download(self, place: _Place, given: Mapping[str, str]) -> str:
        run = int(given.get("run-id") or place.run.id)
        if run != place.run.id:
            assert given["github-token"], "another run's artefact needs a token"
        pattern = given.get("name") or given["pattern"].replace("*", ".*")
        found = [
            each
            for each in self.forge.read("artifacts")
            if each["workflow_run"]["id"] == run and re.fullmatch(pattern, each["name"])
        ]
        found += [each for each in self.given if re.fullmatch(pattern, each["name"])]
        if not found and "name" in given:
            raise FileNotFoundError(f"no artefact {given['name']} in run {run}")
        for each in found:
            shutil.copytree(self.forge.root / "store" / str(each["id"]), given["path"], dirs_exist_ok=True)
        return f"fetched {len(found)}"


def _needs(job: Mapping[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _matrix(job: Mapping[str, Any]) -> list[dict[str, str]]:
    if "strategy" not in job:
        return [{}]
    ((name, values),) = job["strategy"]["matrix"].items()
    return [{name: value} for value in values]


def _wanted(condition: object, contexts: Mapping[str, Any], status: Status) -> bool:
    """Without a status function a condition asks for success, too."""
    if condition is None:
        return status("success")
    text = str(condition).strip()
    text = text.removeprefix("${{").removesuffix("}}").strip()
    if not STATUS.search(text) and not status("success"):
        return False
    return bool(evaluate(text, contexts, status))
