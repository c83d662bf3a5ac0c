"""AWS as the doctor sees it: moto for identity, VPCs, addresses, buckets; its simulator and quotas are stubbed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from modules.doctor import REMOTE, Finding, examine
from modules.doctor.aws import actions_for
from modules.doctor.patient import aws_client
from modules.project import OUTPUTS_FILE, Project

REPOSITORY = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/moto"


@pytest.fixture(autouse=True)
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(REPOSITORY / "environments", tmp_path / "environments")
    return Project(tmp_path)


def stacks(**resources: int) -> Mapping[str, Mapping[str, Any]]:
    body = {kind: {f"n{number}": {} for number in range(count)} for kind, count in resources.items()}
    return {"cluster": {"provider": {"aws": [{"region": REGION}]}, "resource": body}}


def examined(project: Project, check: str, clients: Any = aws_client, **resources: int) -> list[Finding]:
    given = stacks(**(resources or {"aws_vpc": 1}))
    remote = {check: REMOTE[check]}
    return list(examine(project, "prod", checks={}, remote=remote, documents=lambda _environment: given, aws=clients))


def deployed(project: Project, account: str) -> None:
    folder = project.environment_state("prod")
    folder.mkdir(parents=True)
    arn = f"arn:aws:kafka:{REGION}:{account}:cluster/streaming-prod/x"
    (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": {"cluster_arn": arn}}))


def test_who_this_is_on_aws_is_told_with_account_and_arn(project: Project) -> None:
    (found,) = examined(project, "aws")
    assert found.state == "ok"
    assert found.text == f"account {ACCOUNT}, {REGION}, as user/moto"
    assert found.details == (f"arn:aws:sts::{ACCOUNT}:user/moto",)


def test_another_account_than_was_deployed_to_fails(project: Project) -> None:
    deployed(project, "210987654321")
    (found,) = examined(project, "aws")
    assert found.state == "fail"
    assert found.text == f"prod was deployed to account 210987654321, this is {ACCOUNT}"
    shutil.rmtree(project.environment_state("prod"))
    deployed(project, ACCOUNT)
    (found,) = examined(project, "aws")
    assert (found.state, "where it was deployed" in found.text) == ("ok", True)


def test_no_credentials_are_told_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(service: str, region: str) -> Any:
        from botocore.exceptions import NoCredentialsError

        raise NoCredentialsError

    (found,) = examined(project, "aws", none)
    assert (found.state, found.text) == ("fail", "no AWS credentials are found")
    assert "aws sso login" in str(found.do)
    assert examined(project, "aws permissions", none) == []
    assert examined(project, "aws quotas", none) == []


def simulated(decisions: Mapping[str, str] | str) -> Any:
    """Clients of AWS whose IAM simulates as told: action → decision, others allowed; or refuses with an error code."""

    def client(service: str, region: str) -> Any:
        made = aws_client(service, region)
        if service == "sts":
            stub = Stubber(made)
            stub.add_response("get_caller_identity", {"Account": ACCOUNT, "Arn": USER, "UserId": "AIDAX"})
            stub.activate()
        if service != "iam":
            return made
        stub = Stubber(made)
        if isinstance(decisions, str):
            stub.add_client_error("simulate_principal_policy", decisions, "not you", 403)
            stub.activate()
            return made

        class Simulator:
            asked: list[dict[str, Any]] = []  # noqa: RUF012

            def get_paginator(self, name: str) -> Any:
                assert name == "simulate_principal_policy"
                return self

            def paginate(self, **arguments: Any) -> Any:
                names = arguments["ActionNames"]
                results = [{"EvalActionName": each, "EvalDecision": decisions.get(each, "allowed")} for each in names]
                body = {"EvaluationResults": results, "IsTruncated": False}
                real = aws_client("iam", region)
                with Stubber(real) as inner:
                    # The stub holds what is asked against IAM's own model of the call.
                    inner.add_response("simulate_principal_policy", body, arguments)
                    return [real.simulate_principal_policy(**arguments)]

        return Simulator()

    return client


def test_all_rights_that_are_needed_and_held_are_one_line(project: Project) -> None:
    (found,) = examined(project, "aws permissions", simulated({}), aws_vpc=1, aws_kms_key=1)
    needed, _ = actions_for({"aws_vpc": 1, "aws_kms_key": 1})
    assert (found.state, found.text) == ("ok", f"all {len(needed)} actions that the stacks need are allowed")


def test_a_right_that_is_missing_fails_with_the_resources_that_need_it(project: Project) -> None:
    denied = {"ec2:CreateVpc": "implicitDeny", "kms:CreateKey": "explicitDeny"}
    (found,) = examined(project, "aws permissions", simulated(denied), aws_vpc=1, aws_kms_key=1)
    assert found.state == "fail"
    assert found.text.startswith("2 of ")
    assert found.details == ("ec2:CreateVpc: aws_vpc", "kms:CreateKey: aws_kms_key")
    assert "user/moto" in str(found.do)


def test_where_the_simulator_is_denied_the_list_is_given_and_nothing_claimed(project: Project) -> None:
    (found,) = examined(project, "aws permissions", simulated("AccessDenied"), aws_internet_gateway=1)
    assert found.state == "warn"
    assert found.text == "not known: AWS refuses iam:SimulatePrincipalPolicy: AccessDenied: not you"
    assert found.details[0].startswith("ec2: AttachInternetGateway, CreateInternetGateway, CreateTags")


def test_a_type_whose_rights_are_not_known_is_told(project: Project) -> None:
    found = examined(project, "aws permissions", simulated({}), aws_vpc=1, aws_quantum_ledger=1)
    assert [(each.state, each.check) for each in found] == [("warn", "aws permissions"), ("ok", "aws permissions")]
    assert "aws_quantum_ledger" in found[0].text


def test_every_type_that_the_platforms_declare_has_its_rights_listed() -> None:
    declared = set()
    for path in (REPOSITORY / "tests/platforms/golden").rglob("*.tf.json"):
        declared |= set(json.loads(path.read_text()).get("resource") or {})
    needed, unknown = actions_for(dict.fromkeys(declared, 1))
    assert len([each for each in declared if each.startswith("aws_")]) > 40
    assert unknown == ()
    assert all(each.count(":") == 1 and each.partition(":")[2].isalnum() for each in needed)


def limited(limits: Mapping[str, tuple[str, float]] | None) -> Any:
    """Clients of AWS whose Service Quotas has these, by service (name, value); None: it refuses to say."""

    def client(service: str, region: str) -> Any:
        if service != "service-quotas":
            return aws_client(service, region)

        class Quotas:
            def get_paginator(self, name: str) -> Any:
                return self

            def paginate(self, **arguments: Any) -> Any:
                real = aws_client(service, region)
                with Stubber(real) as stub:
                    if limits is None:
                        stub.add_client_error("list_service_quotas", "AccessDeniedException", "not you", 400)
                    else:
                        title, value = limits[arguments["ServiceCode"]]
                        quotas = [{"QuotaName": "something else", "Value": 0.0}, {"QuotaName": title, "Value": value}]
                        stub.add_response("list_service_quotas", {"Quotas": quotas}, arguments)
                    return [real.list_service_quotas(**arguments)]

        return Quotas()

    return client


def test_quotas_are_held_against_what_is_there_and_what_is_needed(project: Project) -> None:
    ec2: Any = boto3.client("ec2", region_name=REGION)  # has one VPC, the default one
    clients = limited({"vpc": ("VPCs per Region", 6.0), "ec2": ("EC2-VPC Elastic IPs", 6.0)})

    def by_title(**resources: int) -> dict[str, Finding]:
        return {each.text.partition(":")[0]: each for each in examined(project, "aws quotas", clients, **resources)}

    found = by_title(aws_vpc=5, aws_eip=6)
    assert [(each.state, each.text) for each in found.values()] == [
        ("ok", "VPCs: 5 needed, 1 in use, 6 allowed"),
        ("ok", "Elastic IP addresses: 6 needed, 0 in use, 6 allowed"),
    ]
    ec2.create_vpc(CidrBlock="10.9.0.0/16")
    ec2.allocate_address(Domain="vpc")
    found = by_title(aws_vpc=5, aws_eip=6)
    assert [(each.state, each.text) for each in found.values()] == [
        ("fail", "VPCs: 5 needed, 2 in use, 6 allowed"),
        ("fail", "Elastic IP addresses: 6 needed, 1 in use, 6 allowed"),
    ]
    assert "Service Quotas" in str(found["VPCs"].do)
    deployed(project, ACCOUNT)
    (there,) = examined(project, "aws quotas", clients, aws_vpc=9)
    assert there.state == "ok"


def test_where_quotas_may_not_be_read_awss_defaults_are_taken_and_named_as_that(project: Project) -> None:
    (found,) = examined(project, "aws quotas", limited(None), aws_vpc=4)
    assert found.text.startswith("VPCs: 4 needed, 1 in use, 5 allowed (AWS's default; servicequotas:ListServiceQuotas")
    (found,) = examined(project, "aws quotas", limited(None), aws_vpc=5)
    assert found.state == "fail"


def test_the_states_bucket_is_there_keeps_versions_or_not(project: Project) -> None:
    yaml = project.environments / "prod.yaml"
    yaml.write_text(yaml.read_text() + f"state: {{s3: {{bucket: acme-states, region: {REGION}}}}}\n")
    (missing,) = examined(project, "state")
    assert (missing.state, missing.text) == ("fail", f"s3://acme-states ({REGION}): there is no such bucket")
    assert missing.do == "`infra state bootstrap --env prod` makes it"
    s3: Any = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket="acme-states")
    (plain,) = examined(project, "state")
    assert plain.state == "warn"
    s3.put_bucket_versioning(Bucket="acme-states", VersioningConfiguration={"Status": "Enabled"})
    (good,) = examined(project, "state")
    assert good.state == "ok"
