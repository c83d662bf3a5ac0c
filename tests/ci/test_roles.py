"""The roles of CI in AWS: whom they trust, what they may do, and that the stack plans."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from modules.ci.rights import apply_statements, plan_statements
from modules.ci.trust import Repository, repository_of, subject, trust_statement
from modules.doctor.aws import actions_for
from modules.environment import Environment, load_environment
from modules.errors import ConfigError, SynthError
from modules.project import Project
from modules.resources.base import Resource
from stacks.ci import Declares, synth_ci

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
STATE = "state: {s3: {bucket: acme-states, region: eu-west-1, kms_key: alias/states}}\n"
TYPES = ("aws_iam_role", "aws_msk_cluster", "aws_route53_record", "aws_secretsmanager_secret",
         "aws_secretsmanager_secret_version", "aws_security_group")  # fmt: skip
DATA = ("aws_availability_zones",)
ACCOUNT = "123456789012"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
GITHUB = Repository("github", "acme/streaming")
GITLAB = Repository("gitlab", "acme/data/streaming")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    with (tmp_path / "environments" / "prod.yaml").open("a") as file:
        file.write(STATE)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def prod(project: Project) -> Environment:
    return load_environment(project, "prod")


def allows(statement: Mapping[str, Any], token: Mapping[str, str]) -> bool:
    """Whether AWS would let a token's bearer take on the role: every condition key must be in it and fit."""
    fits = {"StringEquals": lambda value, wanted: value == wanted, "StringLike": fnmatch.fnmatchcase}
    return all(
        key in token and fits[operator](token[key], wanted)
        for operator, conditions in statement["Condition"].items()
        for key, wanted in conditions.items()
    )


def github(sub: str, aud: str = "sts.amazonaws.com") -> dict[str, str]:
    return {f"token.actions.githubusercontent.com:{name}": value for name, value in (("sub", sub), ("aud", aud))}


def gitlab(sub: str) -> dict[str, str]:
    return {"gitlab.com:sub": sub, "gitlab.com:aud": "sts.amazonaws.com"}


OTHERS = [
    "repo:acme/streaming2:environment:prod",
    "repo:acme/streaming-fork:environment:prod-plan",
    "repo:acme2/streaming:environment:prod",
    "repo:evil/acme/streaming:environment:prod",
    "repo:someone/streaming:environment:prod",
    "repo:acme/streaming:environment:prod2",
    "repo:acme/streaming:environment:dev",
    "repo:acme/streaming:environment:dev-plan",
    "repo:acme/streaming:pull_request",
    "repo:acme/streaming:ref:refs/heads/main",
    "repo:acme/streaming:ref:refs/heads/environment:prod",
    "repo:acme/Streaming:environment:prod",
]


def test_github_s_roles_trust_one_environment_of_one_repository() -> None:
    plan = trust_statement(GITHUB, "plan", "prod", PROVIDER)
    apply = trust_statement(GITHUB, "apply", "prod", PROVIDER)
    assert allows(plan, github("repo:acme/streaming:environment:prod-plan"))
    assert allows(apply, github("repo:acme/streaming:environment:prod"))
    assert not allows(plan, github("repo:acme/streaming:environment:prod"))
    assert not allows(apply, github("repo:acme/streaming:environment:prod-plan"))
    for other in OTHERS:
        assert not allows(plan, github(other)) and not allows(apply, github(other)), other
    assert not allows(apply, github("repo:acme/streaming:environment:prod", aud="https://github.com/acme"))
    assert not allows(apply, {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"})
    for statement in (plan, apply):
        assert "*" not in json.dumps(statement)
        assert statement["Principal"] == {"Federated": PROVIDER}
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"


def test_gitlab_s_roles_trust_one_project_and_apply_from_one_branch() -> None:
    plan = trust_statement(GITLAB, "plan", "prod", PROVIDER)
    apply = trust_statement(GITLAB, "apply", "prod", PROVIDER)
    main_branch = "project_path:acme/data/streaming:ref_type:branch:ref:main"
    assert allows(plan, gitlab("project_path:acme/data/streaming:ref_type:branch:ref:fix/one"))
    assert allows(plan, gitlab(main_branch)) and allows(apply, gitlab(main_branch))
    for other in (
        "project_path:acme/data/streaming:ref_type:branch:ref:fix/one",
        "project_path:acme/data/streaming:ref_type:tag:ref:main",
        "project_path:acme/data/streaming:ref_type:branch:ref:main2",
    ):
        assert not allows(apply, gitlab(other)), other
    for other in (
        "project_path:acme/data/streaming2:ref_type:branch:ref:main",
        "project_path:acme/data/streaming/fork:ref_type:branch:ref:main",
        "project_path:someone/streaming:ref_type:branch:ref:main",
        "project_path:acme/data/streaming:ref_type:tag:ref:v1",
    ):
        assert not allows(plan, gitlab(other)) and not allows(apply, gitlab(other)), other


@pytest.mark.parametrize(
    ("forge", "path"),
    [
        ("github", "acme/*"), ("github", "*/streaming"), ("github", "acme"), ("github", "acme/streaming:x"),
        ("github", "acme/data/streaming"), ("github", ""), ("gitlab", "acme/stream?ng"), ("gitlab", "acme"),
        ("gitlab", "acme/streaming:ref_type"),
    ],
)  # fmt: skip
def test_a_repository_that_would_widen_a_condition_is_refused(forge: Any, path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Repository(forge, path)
    assert refused.value.what == f"`{path}` is no repository of {forge}"


@pytest.mark.parametrize(
    ("remote", "forge", "path"),
    [
        ("git@github.com:acme/streaming.git", "github", "acme/streaming"),
        ("https://github.com/acme/streaming", "github", "acme/streaming"),
        ("https://user@github.com/acme/streaming.git", "github", "acme/streaming"),
        ("ssh://git@github.com/acme/streaming.git", "github", "acme/streaming"),
        ("git@gitlab.com:acme/data/streaming.git", "gitlab", "acme/data/streaming"),
    ],
)
def test_git_s_remote_says_whose_jobs_they_are(remote: str, forge: Any, path: str) -> None:
    assert repository_of(remote, forge, "main", "https://gitlab.com").path == path


@pytest.mark.parametrize("remote", ["/srv/git/streaming.git", "https://example.com/acme/streaming", "git@evil.com:a/b"])
def test_a_remote_elsewhere_is_not_taken_for_a_repository_of_the_service(remote: str) -> None:
    with pytest.raises(ConfigError, match="`origin` is no repository of github"):
        repository_of(remote, "github", "main", "https://gitlab.com")


def test_the_plan_role_writes_lock_files_and_nothing_else(prod: Environment) -> None:
    reads = ("Describe", "Get", "List")
    others = {}
    for statement in plan_statements(prod, TYPES, DATA, ACCOUNT):
        for action in statement["Action"]:  # type: ignore[attr-defined]
            if not action.partition(":")[2].startswith(reads):
                others.setdefault(action, []).extend(statement["Resource"])  # type: ignore[arg-type]
    assert others == {
        "s3:PutObject": ["arn:aws:s3:::acme-states/streaming/prod/*.tflock"],
        "s3:DeleteObject": ["arn:aws:s3:::acme-states/streaming/prod/*.tflock"],
        "kms:Decrypt": ["*", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*"],
        "kms:GenerateDataKey": ["*"],
        "sts:AssumeRole": [f"arn:aws:iam::{ACCOUNT}:role/streaming-prod-kafka-*"],
    }
    keys = [each for each in plan_statements(prod, TYPES, DATA, ACCOUNT) if "kms:Decrypt" in each["Action"]]  # type: ignore[operator]
    assert all("Condition" in each for each in keys)


def test_who_plans_cannot_open_plans_and_who_applies_also_keeps_what_it_plans_itself(prod: Environment) -> None:
    """What was never reviewed, what a refused plan leaves, and the way back are planned by the job that deploys."""
    sealed = prod.model_copy(update={"plans": prod.plans.model_copy(update={"kms": "alias/infra-plans"})})
    actions = [
        next(each["Action"] for each in statements(sealed, TYPES, DATA, ACCOUNT) if each["Sid"] == "PlanKey")
        for statements in (plan_statements, apply_statements)
    ]
    assert actions == [["kms:GenerateDataKey"], ["kms:Decrypt", "kms:GenerateDataKey"]]


def test_contents_of_secrets_and_objects_are_read_only_where_they_are_the_environment_s_own(prod: Environment) -> None:
    for statements in (plan_statements(prod, TYPES, DATA, ACCOUNT), apply_statements(prod, TYPES, DATA, ACCOUNT)):
        for statement in statements:
            for action in ("secretsmanager:GetSecretValue", "s3:GetObject"):
                if action in statement["Action"]:  # type: ignore[operator]
                    assert "*" not in statement["Resource"]  # type: ignore[operator]


def test_the_apply_role_changes_what_its_stacks_declare_in_its_region_and_never_itself(prod: Environment) -> None:
    found = {str(each["Sid"]): each for each in apply_statements(prod, TYPES, DATA, ACCOUNT)}
    assert found["Region"]["Condition"] == {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    assert "kafka:CreateCluster" in found["Region"]["Action"]  # type: ignore[operator]
    assert not any(str(each).startswith("rds:") for each in found["Region"]["Action"])  # type: ignore[attr-defined]
    assert found["Identities"]["Resource"][0] == f"arn:aws:iam::{ACCOUNT}:role/streaming-prod-*"  # type: ignore[index]
    assert found["NeverItself"] == {
        "Sid": "NeverItself",
        "Effect": "Deny",
        "Action": ["iam:*"],
        "Resource": [
            f"arn:aws:iam::{ACCOUNT}:role/streaming-prod-ci-*",
            f"arn:aws:iam::{ACCOUNT}:policy/streaming-prod-ci-*",
            f"arn:aws:iam::{ACCOUNT}:oidc-provider/*",
        ],
    }
    assert not any(
        "*" in str(action) for sid, each in found.items() if sid != "NeverItself" for action in each["Action"]
    )  # type: ignore[attr-defined]


def test_every_type_that_a_platform_declares_has_its_actions() -> None:
    from modules.resources import aws

    used = set()
    for file in (ROOT / "modules" / "platforms" / "declare").rglob("*.py"):
        used |= set(re.findall(r"\b(Aws[A-Z]\w*)\(", file.read_text()))
    types = [
        each.terraform_type
        for name in sorted(used - {"AwsProvider"})
        if issubclass(each := getattr(aws, name), Resource)
    ]
    assert len(types) > 40
    needed, unknown = actions_for(dict.fromkeys(types, 1))
    assert unknown == () and needed


def test_buckets_are_the_environment_s_own(prod: Environment) -> None:
    types = ("aws_s3_bucket", "aws_s3_object")
    (buckets,) = [each for each in apply_statements(prod, types, (), ACCOUNT) if each["Sid"] == "Buckets"]
    assert buckets["Resource"] == ["arn:aws:s3:::streaming-prod-*", "arn:aws:s3:::streaming-prod-*/*"]
    assert {"s3:CreateBucket", "s3:PutObject"} <= set(buckets["Action"])  # type: ignore[call-overload]
    (objects,) = [each for each in plan_statements(prod, types, (), ACCOUNT) if each["Sid"] == "Objects"]
    assert objects["Action"] == ["s3:GetObject"]


def test_a_type_whose_actions_are_not_known_is_said_and_not_left_out(prod: Environment) -> None:
    with pytest.raises(SynthError, match="which actions aws_unheard_of needs is not known"):
        plan_statements(prod, ("aws_unheard_of",), (), ACCOUNT)


@pytest.mark.parametrize("repository", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_the_stack_is_as_it_was(prod: Environment, repository: Repository, tmp_path: Path) -> None:
    source = synth_ci(prod, repository, Declares(TYPES, DATA), tmp_path / "out")
    document = json.loads(source.json_path.read_text())
    document.pop("//")
    golden = GOLDEN / f"ci-prod-{repository.forge}.json"
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


def test_the_account_may_have_the_identity_provider_already(prod: Environment, tmp_path: Path) -> None:
    source = synth_ci(prod, GITHUB, Declares(TYPES, DATA), tmp_path / "out", new_provider=False)
    document = json.loads(source.json_path.read_text())
    assert "aws_iam_openid_connect_provider" not in document["resource"]
    (statement,) = document["locals"]["policy_trust_apply"]["Statement"]
    assert statement["Principal"]["Federated"].endswith(":oidc-provider/token.actions.githubusercontent.com")
    assert statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == subject(
        GITHUB, "apply", "prod"
    )


def test_the_roles_of_an_environment_plan_offline_with_rights_for_all_it_declares(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["ci", "roles", "--env", "prod", "--repository", "acme/streaming", "--offline", "--yes", "--json"]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["plan"]["environment"] == "prod-ci" and document["offline"] is True
    assert document["plan"]["counts"]["create"] == 9
    assert set(document["roles"]) == {"plan_role", "apply_role"}
    assert document["roles"]["plan_role"].endswith(":role/streaming-prod-ci-plan")
    out = project.root / ".infra" / "offline" / "env" / "prod-ci" / "cdktf.out" / "stacks" / "ci" / "cdk.tf.json"
    policies = {
        name: len(
            json.dumps(value, separators=(",", ":")).replace("${data.aws_caller_identity.current.account_id}", ACCOUNT)
        )
        for name, value in json.loads(out.read_text())["locals"].items()
        if name.startswith("policy_rights")
    }
    assert len(policies) == 3 and all(length < 6_144 for length in policies.values())


def test_an_environment_with_nothing_in_aws_needs_no_roles(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ci", "roles", "--env", "dev", "--repository", "acme/streaming", "--offline"]) == 1
    said = capsys.readouterr().err
    assert "environments/dev.yaml: nothing of `dev` is in AWS, so its jobs need no roles there" in said


def test_without_a_repository_or_a_remote_it_asks_whose_jobs(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "--quiet", str(project.root)], check=True)
    assert main(["ci", "roles", "--env", "prod", "--offline"]) == 1
    assert "whose jobs may take on the roles is not known: git has no remote `origin` here" in capsys.readouterr().err
