"""What `infra ci init` writes: valid, pinned, with few rights, in the order of promotion."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from cli.main import main
from modules.ci import Options, pipeline, render
from modules.ci.project import own_workflows
from modules.ci.render import actions
from modules.errors import ConfigError
from modules.project import Project
from modules.revisions import default_branch
from tests.ci.forge import git

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent
INSTALL = "command -v infra"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The repository's environments, prod with its states in a bucket; not a clone of infra."""
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    with (tmp_path / "environments" / "prod.yaml").open("a") as file:
        file.write("state: {s3: {bucket: acme-states, region: eu-west-1}}\n")
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


_RENDERED: dict[tuple[Any, ...], dict[str, str]] = {}


def rendered(project: Project, forge: str, *names: str, **options: Any) -> dict[str, str]:
    """Of the fixture's project, which is always the same; so each variant is made once."""
    key = (forge, names, *sorted(options.items()))
    if key not in _RENDERED:
        _RENDERED[key] = render(forge, pipeline(project, names, Options(install=INSTALL, **options)))
    return _RENDERED[key]


def written(folder: Path, files: dict[str, str]) -> list[str]:
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return [str(folder / file) for file in files]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(TOOLS / command[0]), *command[1:]], capture_output=True, text=True, check=False)


def check(schema: str, *files: str) -> subprocess.CompletedProcess[str]:
    return run("check-jsonschema", "--builtin-schema", schema, *files)


def zizmor(*files: str) -> subprocess.CompletedProcess[str]:
    return run("zizmor", "--offline", "--no-progress", "--persona", "pedantic", *files)


def jobs(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)["jobs"]


def steps_of(files: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{Path(file).stem}/{name}", step)
        for file, text in files.items()
        for name, job in jobs(text).items()
        for step in job["steps"]
    ]


VARIANTS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    ((), {}),
    ((), {"on_smoke_failure": "rollback", "runner": "vpc-runner", "branch": "release/1"}),
    (("local",), {}),
    (("prod", "dev"), {}),
    ((), {"folder": "data/streaming", "branch": "trunk", "on_smoke_failure": "rollback"}),
]


def all_variants(project: Project, forge: str) -> list[str]:
    """Every variant in a folder of its own, for one call of a tool."""
    return [
        file
        for number, (names, options) in enumerate(VARIANTS)
        for file in written(project.root / str(number), rendered(project, forge, *names, **options))
    ]


def test_github_s_schema_and_zizmor_find_nothing(project: Project) -> None:
    files = all_variants(project, "github")
    assert len(files) == 15
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        done = check(schema, *files)
        assert done.returncode == 0, done.stdout
    done = zizmor(*files)
    assert done.returncode == 0, done.stdout


def test_gitlab_s_schema_finds_nothing(project: Project) -> None:
    done = check("vendor.gitlab-ci", *all_variants(project, "gitlab"))
    assert done.returncode == 0, done.stdout


def test_the_validators_do_see_what_is_wrong(project: Project) -> None:
    files = rendered(project, "github")
    name = ".github/workflows/infra-plan.yml"
    loose = (
        files[name]
        .replace("permissions: {}", "permissions: write-all")
        .replace('echo "hash=$hash"', 'echo "${{ github.event.pull_request.title }}"')
    )
    done = zizmor(*written(project.root, {name: loose}))
    assert done.returncode != 0
    assert "template-injection" in done.stdout and "excessive-permissions" in done.stdout
    done = check("vendor.github-workflows", *written(project.root, {name: files[name].replace("runs-on:", "runs-at:")}))
    assert done.returncode != 0
    gitlab = rendered(project, "gitlab")[".gitlab-ci.yml"].replace("interruptible: false", "interruptible: never")
    assert check("vendor.gitlab-ci", *written(project.root, {".gitlab-ci.yml": gitlab})).returncode != 0


def test_every_action_stands_at_a_full_commit_with_its_version_beside_it(project: Project) -> None:
    lines = [
        line
        for text in rendered(project, "github").values()
        for line in text.splitlines()
        if line.strip().startswith("uses:")
    ]
    assert lines
    pinned = {f"{each.uses}@{each.commit} # {each.version}" for each in actions().values()}
    for line in lines:
        assert re.fullmatch(r"\s+uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
        assert line.split("uses: ")[1] in pinned


@pytest.mark.parametrize(("names", "options"), VARIANTS)
def test_no_script_holds_an_expression(project: Project, names: tuple[str, ...], options: dict[str, Any]) -> None:
    for place, step in steps_of(rendered(project, "github", *names, **options)):
        assert "${{" not in step.get("run", ""), place


def test_every_script_is_sound_bash(project: Project) -> None:
    scripts: set[str] = set()
    for names, options in VARIANTS:
        scripts |= {
            step["run"] for _, step in steps_of(rendered(project, "github", *names, **options)) if "run" in step
        }
        for job in yaml.safe_load(rendered(project, "gitlab", *names, **options)[".gitlab-ci.yml"]).values():
            if isinstance(job, dict):
                scripts |= {*job.get("before_script", ()), *job.get("script", ())}
    assert len(scripts) > 50
    for script in scripts:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{script}"


def test_a_job_may_write_only_where_it_says_and_never_runs_the_repository_s_code_with_it(project: Project) -> None:
    files = rendered(project, "github")
    writers = {}
    for file, text in files.items():
        assert yaml.safe_load(text)["permissions"] == {}
        for name, job in jobs(text).items():
            rights = {key for key, value in job["permissions"].items() if value == "write" and key != "id-token"}
            if rights:
                writers[name] = rights
                scripts = "\n".join(step.get("run", "") for step in job["steps"])
                assert not re.search(r"^\s*(infra|make) |\$\(infra ", scripts, re.MULTILINE), f"{file}: {name}"
    assert writers == {
        "comment": {"pull-requests"},
        "report": {"issues"},
        "propose": {"contents", "pull-requests"},
    }


def test_only_environments_in_aws_ask_for_an_identity_token(project: Project) -> None:
    for name in ("plan", "deploy", "drift"):
        found = jobs(rendered(project, "github")[f".github/workflows/infra-{name}.yml"])
        assert "id-token" in found[f"{name}-prod"]["permissions"]
        assert "id-token" not in found[f"{name}-dev"]["permissions"]


def test_checkouts_leave_no_token_behind(project: Project) -> None:
    checkouts = [step for _, step in steps_of(rendered(project, "github")) if "checkout@" in step.get("uses", "")]
    assert checkouts and all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_a_fork_and_dependabot_get_no_credentials_and_no_comment_job(project: Project) -> None:
    plan = jobs(rendered(project, "github")[".github/workflows/infra-plan.yml"])
    for name in ("plan-dev", "plan-staging", "plan-prod", "comment"):
        assert "head.repo.full_name == github.repository" in plan[name]["if"]
        assert "user.login != 'dependabot[bot]'" in plan[name]["if"]
    for name in ("validate", "rehearse"):
        assert plan[name]["permissions"] == {"contents": "read"}
        assert plan[name]["runs-on"] == "ubuntu-24.04"  # never on a runner that reaches the brokers
        assert "secrets." not in yaml.safe_dump(plan[name])


def test_pull_request_target_and_workflow_run_are_not_used(project: Project) -> None:
    for text in rendered(project, "github").values():
        assert "pull_request_target" not in text and "workflow_run:" not in text


def test_environments_are_deployed_one_behind_the_other_production_last(project: Project) -> None:
    deploy = jobs(rendered(project, "github")[".github/workflows/infra-deploy.yml"])
    assert [(name, job.get("needs")) for name, job in deploy.items()] == [
        ("deploy-dev", None), ("deploy-staging", "deploy-dev"), ("deploy-prod", "deploy-staging"),
    ]  # fmt: skip
    assert [job["environment"] for job in deploy.values()] == ["dev", "staging", "prod"]


def test_named_environments_keep_the_order_they_are_named_in(project: Project) -> None:
    deploy = jobs(rendered(project, "github", "prod", "dev")[".github/workflows/infra-deploy.yml"])
    assert list(deploy) == ["deploy-prod", "deploy-dev"]


def test_a_running_apply_is_never_cancelled(project: Project) -> None:
    for text in rendered(project, "github").values():
        assert yaml.safe_load(text)["concurrency"]["cancel-in-progress"] is False
    gitlab = yaml.safe_load(rendered(project, "gitlab")[".gitlab-ci.yml"])
    assert gitlab["default"]["interruptible"] is False
    assert gitlab["deploy-dev"]["resource_group"] == "infra-dev"


def test_each_environment_sees_the_secrets_that_its_yaml_names(project: Project) -> None:
    plan = jobs(rendered(project, "github")[".github/workflows/infra-plan.yml"])
    named = ("CONFLUENT_CLOUD_API_KEY", "CONFLUENT_CLOUD_API_SECRET", "INFRA_PLAN_KEY")
    wanted = {name: f"${{{{ secrets.{name} }}}}" for name in named}
    assert next(step["env"] for step in plan["plan-dev"]["steps"] if step.get("id") == "plan") == wanted
    assert "CONFLUENT" not in yaml.safe_dump(plan["plan-prod"])


@pytest.mark.parametrize(
    ("plans", "sealing", "opening"),
    [
        ("", ("INFRA_PLAN_KEY",), ("INFRA_PLAN_KEY",)),
        ("{kms: alias/plans}", (), ()),
        ("{key: aws-sm:plans}", (), ()),
        ("{key: 'env:PLANS'}", ("PLANS",), ("PLANS",)),
        ("{key: 'env:PLANS', recipients: [RECIPIENT]}", (), ("PLANS",)),
    ],
)
def test_who_plans_gets_no_key_that_opens_plans_where_a_public_one_is_written(
    project: Project, plans: str, sealing: tuple[str, ...], opening: tuple[str, ...]
) -> None:
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    with (project.environments / "dev.yaml").open("a") as file:
        file.write(f"plans: {plans.replace('RECIPIENT', recipient)}\n" if plans else "")
    (step,) = pipeline(project, ("dev",), Options(install=INSTALL)).steps
    assert (step.sealing, step.opening) == (sealing, opening)
    assert "PLANS" not in step.secrets


def test_rolling_back_is_written_only_when_it_is_asked_for(project: Project) -> None:
    name = ".github/workflows/infra-deploy.yml"
    assert "git restore" not in rendered(project, "github")[name]
    assert "git restore" in rendered(project, "github", on_smoke_failure="rollback")[name]


def test_what_is_committed_for_this_repository_is_what_the_templates_make() -> None:
    for file, text in own_workflows().items():
        assert (ROOT / file).read_text() == text, "run `python -m modules.ci.project`"
        assert check("vendor.github-workflows", str(ROOT / file)).returncode == 0
    assert zizmor(str(ROOT / ".github" / "workflows")).returncode == 0


def test_init_writes_says_what_is_next_and_does_not_write_over_what_was_changed(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ci", "init", "github", "--install", INSTALL]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert "created: .github/workflows/infra-plan.yml" in said
    assert "order: dev → staging → prod" in said
    assert "! dev, staging: its states are files on one machine" in said
    assert "as an administrator: `infra ci roles --env prod`\n" in said
    assert "    prod-plan: AWS_PLAN_ROLE, INFRA_PLAN_KEY\n    prod: AWS_APPLY_ROLE, INFRA_PLAN_KEY; reviewers\n" in said
    assert main(arguments) == 0
    assert "unchanged: .github/workflows/infra-deploy.yml" in capsys.readouterr().err
    file = project.root / ".github" / "workflows" / "infra-drift.yml"
    file.write_text("name: mine\n")
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert "a file is there already, and is not what would be written" in said
    assert "infra-drift.yml" in said and "add --force" in said
    assert file.read_text() == "name: mine\n"
    assert main([*arguments, "--force"]) == 0
    assert "replaced: .github/workflows/infra-drift.yml" in capsys.readouterr().err


def test_the_header_says_how_it_was_written(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["ci", "init", "gitlab", "--env", "dev", "--install", INSTALL, "--on-smoke-failure", "rollback"]
    assert main([*command, "--stdout"]) == 0
    assert "infra ci init gitlab --env dev --install 'command -v infra' --on-smoke-failure rollback" in (
        capsys.readouterr().out
    )
    assert not (project.root / ".gitlab-ci.yml").exists()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({}, "this project does not hold infra itself, so a runner has to be told where it comes from"),
        ({"install": "one\ntwo"}, "it has several lines"),
        ({"install": INSTALL, "branch": "main]\njobs:"}, "`main]\njobs:` cannot stand in a workflow"),
        ({"install": INSTALL, "runner": "${{ secrets.X }}"}, "`${{ secrets.X }}` cannot stand in a workflow"),
        ({"install": INSTALL, "folder": "a b; rm"}, "`a b; rm` cannot stand in a workflow"),
    ],
)
def test_an_option_that_cannot_stand_in_a_workflow_is_refused(
    project: Project, options: dict[str, Any], what: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        pipeline(project, (), Options(**options))
    assert refused.value.what == what


def repository(folder: Path, *branches: str) -> None:
    """A repository with one commit and these branches."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "--quiet", f"--initial-branch={branches[0]}")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message", "one")
    for name in branches[1:]:
        git(folder, "branch", name)


@pytest.mark.parametrize(
    ("branches", "branch"),
    [(["trunk"], "trunk"), (["topic", "main"], "main"), (["topic", "master"], "master")],
)
def test_a_merge_into_the_default_branch_deploys(
    project: Project, branches: list[str], branch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(project.root, *branches)
    assert main(["ci", "init", "github", "--install", INSTALL, "--stdout"]) == 0
    out = capsys.readouterr().out
    assert out.count(f"    branches: [{branch}]\n") == 2
    assert f"refs/heads/{branch}'" in out
    assert ("--branch" in out) == (branch != "main")


def test_a_clone_knows_the_default_branch_and_else_one_of_several_is_asked_for(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository(project.root, "trunk", "topic")
    assert main(["ci", "init", "github", "--install", INSTALL]) == 1
    said = capsys.readouterr().err
    assert "which branch changes are merged into is not known: there are topic, trunk" in said
    assert "--branch NAME" in said
    git(tmp_path, "clone", "--quiet", str(project.root), str(tmp_path / "clone"))
    assert default_branch(Project(tmp_path / "clone")) == "trunk"


def test_workflows_stand_at_the_top_of_a_repository_whose_folder_the_project_is(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top = project.root / "mono"
    folder = top / "data" / "streaming"
    shutil.copytree(project.environments, folder / "environments")
    repository(top, "main")
    monkeypatch.chdir(folder)
    assert main(["ci", "init", "github", "--install", INSTALL]) == 0
    assert f"at the top of the repository {top}; this project is data/streaming in it" in capsys.readouterr().err
    assert not (folder / ".github").exists()
    workflow = yaml.safe_load((top / ".github" / "workflows" / "infra-plan.yml").read_text())
    assert workflow["env"] == {"INFRA_PROJECT": "data/streaming"}
    assert workflow[True]["pull_request"]["paths"] == ["data/streaming/**", ".github/workflows/infra-plan.yml"]
    assert main(["ci", "init", "gitlab", "--install", INSTALL]) == 0
    assert yaml.safe_load((top / ".gitlab-ci.yml").read_text())["variables"]["INFRA_PROJECT"] == "data/streaming"


def test_a_project_with_a_laptop_only_is_told_so(project: Project) -> None:
    for name in ("dev", "staging", "prod"):
        (project.environments / f"{name}.yaml").unlink()
    with pytest.raises(ConfigError, match="there is no environment that a CI could deploy"):
        pipeline(project, (), Options(install=INSTALL))
