"""What `infra cost resources` reads and refuses: Terraform's documents in all their spellings; the command itself."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from modules.cost.book import load_book
from modules.cost.formats.schema import json_schema
from modules.cost.resources import Pricing, price_resources, read_documents
from modules.cost.resources.documents import parse_document
from modules.errors import ConfigError, PriceError
from tests.cost.support import project_with, run
from tests.platforms.golden import GOLDEN


def stack(**resources: Any) -> dict[str, Any]:
    return {"terraform": {}, "provider": {"aws": [{"region": "us-east-1"}]}, "resource": resources}


def priced(document: dict[str, Any], region: str = "") -> Pricing:
    return price_resources([parse_document(document, "main.tf.json")], load_book(), region)


def test_a_disk_pays_for_iops_and_throughput_beyond_what_comes_with_it() -> None:
    """500 GiB × 0.08 = 40; (4,000 − 3,000) × 0.005 = 5; (250 − 125) × 0.04 = 5: of each of three, 50 × 3 = 150."""
    disk = {"type": "gp3", "size": 500, "iops": 4000, "throughput": 250, "for_each": '${toset(["1", "2", "3"])}'}
    found = priced(stack(aws_ebs_volume={"broker": disk}))
    each = {"aws.ebs.gp3": 40, "aws.ebs.gp3.iops": 5, "aws.ebs.gp3.throughput": 5}
    assert [(line.price.id, line.amount) for line in found.lines] == list(each.items()) * 3
    assert found.total.known == 150
    included = priced(stack(aws_ebs_volume={"broker": {"type": "gp3", "size": 1, "iops": 3000, "throughput": 125}}))
    assert [line.price.id for line in included.lines] == ["aws.ebs.gp3"]


def test_what_the_book_has_no_price_of_is_named_and_never_0() -> None:
    found = priced(
        stack(
            aws_ebs_volume={"old": {"type": "standard", "size": 10}},
            aws_redshift_cluster={"dw": {}, "other": {}},
            aws_instance={"odd": {"instance_type": "x9.metal", "root_block_device": {"volume_type": "gp3"}}},
        )
    )
    assert [(each.type, each.count, each.reason) for each in found.unsupported] == [
        ("aws_ebs_volume", 1, "the price book has no price of EBS standard"),
        ("aws_redshift_cluster", 2, "nothing here knows its price"),
    ]
    (instance,) = found.priced
    assert [line.amount for line in instance.lines] == [None]
    assert instance.gaps == ("the size of the root volume is not in the document",)
    assert str(found.total) == "unknown"


def test_a_number_that_only_a_plan_knows_is_not_guessed() -> None:
    endpoint = {"vpc_endpoint_type": "Interface", "subnet_ids": '${split(",", var.subnets)}'}
    found = priced(
        stack(
            aws_vpc_endpoint={"logs": endpoint},
            aws_nat_gateway={"each": {"for_each": "${var.zones}"}, "none": {"count": 0}, "two": {"count": 2}},
        )
    )
    by_name = {each.address: each for each in found.priced}
    assert set(by_name) == {"aws_vpc_endpoint.logs", "aws_nat_gateway.two[0]", "aws_nat_gateway.two[1]"}
    assert by_name["aws_nat_gateway.two[0]"].total.known == Decimal("32.85")  # 730 × 0.045
    assert by_name["aws_vpc_endpoint.logs"].lines == ()
    assert by_name["aws_vpc_endpoint.logs"].gaps == ("in how many subnets it is is not in the document",)
    assert [(each.type, each.reason) for each in found.unsupported] == [
        ("aws_nat_gateway", "how many there are is known only when it is planned")
    ]


def test_modules_of_a_plan_are_read_and_what_is_deleted_is_not() -> None:
    """A task definition inside a module is found by the module's own reference; before the plan there was a disk."""
    values = [
        {"address": "module.app.aws_ecs_service.it", "mode": "managed", "type": "aws_ecs_service", "name": "it",
         "values": {"launch_type": "FARGATE", "desired_count": 2}},
        {"address": "module.app.aws_ecs_task_definition.it", "mode": "managed", "type": "aws_ecs_task_definition",
         "name": "it", "values": {"cpu": "1024", "memory": "2048"}},
    ]  # fmt: skip
    service = {"type": "aws_ecs_service", "name": "it", "provider_config_key": "aws", "expressions": {
        "task_definition": {"references": ["aws_ecs_task_definition.it.arn"]}}}  # fmt: skip
    disk = {"address": "aws_ebs_volume.old", "mode": "managed", "type": "aws_ebs_volume", "name": "old",
            "values": {"type": "gp3", "size": 100}}  # fmt: skip
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"child_modules": [{"address": "module.app", "resources": values}]}},
        "prior_state": {"values": {"root_module": {"resources": [disk]}}},
        "configuration": {
            "provider_config": {"aws": {"expressions": {"region": {"constant_value": "us-east-1"}}}},
            "root_module": {"module_calls": {"app": {"module": {"resources": [service]}}}},
        },
    }
    found = priced(plan)
    assert found.total.known == Decimal("72.0802")  # 2 × 730 × (0.04048 + 2 × 0.004445)
    assert found.before is not None
    assert found.before.known == 8  # 100 × 0.08


def test_instances_of_a_module_have_each_their_own_task() -> None:
    """One module twice, with 1 and with 2 vCPU; its provider is the root's."""
    values, service = [], {
        "type": "aws_ecs_service", "name": "it", "provider_config_key": "module.app:aws",
        "expressions": {"task_definition": {"references": ["aws_ecs_task_definition.it.arn"]}},
    }  # fmt: skip
    for key, cpu in (("a", "1024"), ("b.c]", "2048")):
        path = f'module.app["{key}"]'
        for type_, its in (
            ("aws_ecs_service", {"launch_type": "FARGATE", "desired_count": 1}),
            ("aws_ecs_task_definition", {"cpu": cpu, "memory": "2048"}),
        ):
            values.append(
                {"address": f"{path}.{type_}.it", "mode": "managed", "type": type_, "name": "it", "values": its}
            )
    plan = {
        "planned_values": {"root_module": {"child_modules": [{"resources": values}]}},
        "configuration": {
            "provider_config": {"aws": {"expressions": {"region": {"constant_value": "eu-central-1"}}}},
            "root_module": {"module_calls": {"app": {"module": {"resources": [service]}}}},
        },
    }
    found = priced(plan)
    assert {each.region for each in found.priced} == {"eu-central-1"}
    assert [line.quantity.amount for line in found.lines if line.price.id == "aws.fargate.vcpu"] == [730, 1460]


@pytest.mark.parametrize(
    ("arguments", "amount"),
    [
        ({"period": 300, "metric_name": "A"}, "0.10"),
        ({"metric_query": [{"expression": "a+b"}, {"id": "a", "metric": {}}, {"id": "b", "metric": {}}]}, "0.20"),
    ],
)
def test_an_alarm_is_billed_by_its_metrics(arguments: dict[str, Any], amount: str) -> None:
    assert priced(stack(aws_cloudwatch_metric_alarm={"it": arguments})).total.known == Decimal(amount)


def test_another_region_is_unknown_and_the_option_is_for_those_that_tell_none() -> None:
    gateway = {"resource": {"aws_nat_gateway": {"it": {}}}}
    assert priced(gateway).priced[0].region == "us-east-1"
    elsewhere = priced(gateway, "eu-central-1")
    assert elsewhere.priced[0].region == "eu-central-1"
    assert elsewhere.total.unknown == 1
    own = {"resource": {"aws_nat_gateway": {"it": {}}}, "provider": {"aws": {"region": "us-east-1"}}}
    assert priced(own, "eu-central-1").total.known == Decimal("32.85")


def test_a_folder_with_stack_plan_and_state_is_priced_once(tmp_path: Path) -> None:
    """As Terraform's working folder is, with the synthesised stack kept a second time elsewhere."""
    made = stack(aws_kms_key={"it": {}})
    key = {"mode": "managed", "type": "aws_kms_key", "name": "it", "instances": [{"attributes": {"arn": "x"}}]}
    state = {"lineage": "x", "version": 4, "resources": [key]}
    for name, document in (
        ("cluster/cdk.tf.json", made),
        ("cluster/terraform.tfstate", state),
        ("out/cdk.tf.json", made),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(document))
    (tmp_path / "cluster" / "settings.json").write_text("{}")
    found = price_resources(read_documents(tmp_path), load_book())
    assert [(each.document, each.address) for each in found.priced] == [("cluster/cdk.tf.json", "aws_kms_key.it")]


# --- bad input, and the command ---


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04\xff\xfe", "the file cannot be read as text"),
        (b"{\n  not json", "not valid JSON"),
        (b"[1, 2]", "this JSON is no plan, state or stack of Terraform's"),
        (b"{}", "this JSON is no plan, state or stack of Terraform's"),
    ],
    ids=["binary", "broken", "a list", "empty"],
)
def test_what_is_no_document_of_terraforms_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    file = tmp_path / "plan.tfplan"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_documents(file)
    assert what in caught.value.what
    assert str(file) in str(caught.value.where)
    assert "terraform show -json" in str(caught.value.do)


def test_what_infra_plan_prints_is_told_from_terraforms_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"version": 1, "environment": "dev", "stacks": [], "offline": True}))
    with pytest.raises(ConfigError, match="`infra plan --json` has what changes") as caught:
        read_documents(file)
    assert ".infra/offline/env/dev" in str(caught.value.do)


def test_a_path_that_is_not_there_and_a_folder_without_documents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file or folder"):
        read_documents(tmp_path / "nothing.json")
    with pytest.raises(ConfigError, match="no plan, state or synthesised stack is in this folder"):
        read_documents(tmp_path)


def test_a_region_that_nobody_has_is_refused_with_those_there_are() -> None:
    with pytest.raises(PriceError, match="knows nothing of region `mars-1`") as caught:
        priced({"resource": {"aws_nat_gateway": {"it": {}}}}, "mars-1")
    assert "us-east-1" in str(caught.value.do)


def test_terraforms_other_spellings_are_read_and_what_names_itself_is_not_known() -> None:
    """Maps as lists of maps, a block as a list of one, a region by a default, a local that goes in circles."""
    document = {
        "provider": [{"aws": {"region": "${var.region}"}}],
        "variable": [{"region": {"default": "us-east-1"}}],
        "locals": {"many": "${local.more}", "more": "${local.many}", "sizes": {"a": {"gib": 10}, "b": {"gib": 10}}},
        "resource": [
            {
                "aws_ebs_volume": [
                    {"each": [{"for_each": "${local.sizes}", "size": "${each.value.gib}", "type": "gp3"}]}
                ]
            },
            {"aws_nat_gateway": {"circle": {"count": "${local.many}"}}},
        ],
    }
    found = priced(document)
    assert {each.region for each in found.priced} == {"us-east-1"}
    assert found.total.known == Decimal("1.6")  # 2 × 10 × 0.08
    assert [each.type for each in found.unsupported] == ["aws_nat_gateway"]


def test_instances_that_differ_are_priced_each_by_its_own_size() -> None:
    """10 and 20 GiB × 0.08."""
    disks = {"for_each": "${local.sizes}", "size": "${each.value}", "type": "gp3"}
    found = priced({"locals": {"sizes": {"a": 10, "b": 20}}, "resource": {"aws_ebs_volume": {"it": disks}}})
    assert {each.address: each.total.known for each in found.priced} == {
        'aws_ebs_volume.it["a"]': Decimal("0.8"),
        'aws_ebs_volume.it["b"]': Decimal("1.6"),
    }


def test_other_json_in_a_folder_is_passed_over_and_a_broken_state_is_not(tmp_path: Path) -> None:
    (tmp_path / "tsconfig.json").write_text("// comments\n{}")
    (tmp_path / "cdk.tf.json").write_text(json.dumps(stack(aws_kms_key={"it": {}})))
    assert len(read_documents(tmp_path)) == 1
    (tmp_path / "terraform.tfstate").write_text("{")
    with pytest.raises(ConfigError, match="not valid JSON"):
        read_documents(tmp_path)


def test_the_command_prints_a_table_json_and_markdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = project_with(tmp_path, "e", "platform: local\n")
    case = str(GOLDEN / "msk-provisioned-dev")
    code, out, err = run(monkeypatch, capsys, project, "cost", "resources", case)
    assert (code, err) == (0, "")
    assert "3 kafka.m7g.large" in out
    assert "aws_secretsmanager_secret.login × 3" in out
    _, out, _ = run(monkeypatch, capsys, project, "cost", "resources", case, "--json")
    found = json.loads(out)
    jsonschema.validate(found, json_schema())
    assert (found["schema"], found["kind"]) == ("infra.cost/1", "resources")
    lines = [line for each in found["resources"] for line in each["lines"]]
    assert sum(Decimal(line["monthly"]) for line in lines) == Decimal(found["monthly"]["total"]["known"])
    assert all(price["source"] and price["read"] for line in lines for price in line["prices"])
    assert {"type": "aws_vpc", "count": 1, "reason": "a VPC has no price"} in found["free"]
    assert found["unsupported"] == []
    _, out, _ = run(monkeypatch, capsys, project, "cost", "resources", case, "--markdown")
    assert "| **`aws_msk_cluster.main`** | | | | **$457.86** |" in out
    code, _, err = run(monkeypatch, capsys, project, "cost", "resources", "nothing.json")
    assert code == 1
    assert "nothing.json: there is no such file or folder" in err
