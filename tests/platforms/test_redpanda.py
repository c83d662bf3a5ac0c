"""Redpanda on ECS: what must hold in its Terraform JSON, read without the code that made it, and its clients."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from modules.topics import topic_specs
from tests.platforms.golden import environment_of, golden
from tests.platforms.redpanda_json import (
    CASES,
    EC2,
    FARGATE,
    PROD,
    bootstrap,
    changed,
    cluster,
    containers,
    files,
    resources,
)


def test_there_is_a_case_for_each_compute_in_development_and_production() -> None:
    assert {"redpanda-ec2-dev", "redpanda-ec2-prod", "redpanda-fargate-dev", "redpanda-fargate-prod"} <= set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_each_broker_is_a_service_of_its_own_with_one_task_and_a_name_of_its_own(case: str) -> None:
    services = resources(case, "aws_ecs_service")
    assert len(services) == len(containers(case)) == len(files(case))
    names = cluster(case)["locals"]["aws_service_discovery_service_broker"]
    registered = {service["service_registries"]["registry_arn"] for service in services.values()}
    assert registered == {f'${{aws_service_discovery_service.broker["{key}"].arn}}' for key in names}
    for service in services.values():
        assert service["desired_count"] == 1
        # Two tasks of one broker would claim one name and one volume.
        assert (service["deployment_maximum_percent"], service["deployment_minimum_healthy_percent"]) == (100, 0)


@pytest.mark.parametrize("case", CASES)
def test_services_are_chained_through_gates_and_each_waits_until_it_is_steady(case: str) -> None:
    services, gates = resources(case, "aws_ecs_service"), resources(case, "terraform_data")
    order = sorted(services, key=lambda name: int(name.rpartition("-")[2]))
    before = None
    for name in order:
        number = name.rpartition("-")[2]
        assert services[name]["wait_for_steady_state"] is True
        assert f"terraform_data.before-{number}" in services[name]["depends_on"]
        if before is not None:
            assert gates[f"before-{number}"]["depends_on"] == [f"aws_ecs_service.{before}"]
        before = name
    assert gates["settled"]["depends_on"] == [f"aws_ecs_service.{before}"]
    assert set(gates) == {"settled", *(f"before-{name.rpartition('-')[2]}" for name in order)}


@pytest.mark.parametrize("case", CASES)
def test_a_gate_is_passed_anew_when_its_broker_will_be_touched(case: str) -> None:
    for name, gate in resources(case, "terraform_data").items():
        triggers = gate["triggers_replace"]
        tasks = [f'${{aws_ecs_task_definition.broker["{key}"].arn}}' for key in containers(case)]
        expected = tasks if name == "settled" else [tasks[int(name.rpartition("-")[2]) - 1]]
        assert [value for value in triggers.values() if "task_definition" in str(value)] == expected
        assert triggers.get("storage") or triggers.get("machine")


@pytest.mark.parametrize("case", CASES)
def test_gates_know_every_broker_and_hold_no_secret_but_where_it_is(case: str) -> None:
    services = resources(case, "aws_ecs_service")
    addresses = [file["redpanda"]["advertised_rpc_api"]["address"] for file in files(case)]
    for name, gate in resources(case, "terraform_data").items():
        (step,) = gate["provisioner"]
        words = shlex.split(step["local-exec"]["command"])
        assert words[:3] == ["$INFRA_PYTHON", "-m", "modules.platforms.redpanda_gate"]
        given = {words[at + 1] for at, word in enumerate(words) if word == "--broker"}
        assert given == {
            f"{each['name']}={address}" for each, address in zip(services.values(), addresses, strict=True)
        }
        assert ("--before" in words) == (name != "settled")
        for option in ("--login", "--authority"):
            assert re.fullmatch(
                r'\$\{aws_secretsmanager_secret\.\w+\["[\w-]+"\]\.arn\}', words[words.index(option) + 1]
            )


@pytest.mark.parametrize("case", CASES)
def test_a_rehearsal_has_the_same_gates_standing_open(case: str, tmp_path: Path) -> None:
    from dataclasses import replace

    from modules.platforms import platform_for
    from modules.platforms.declare import declarations_for
    from modules.resources.base import App, Stack

    environment, project = environment_of(case, tmp_path)
    offline = replace(project, offline=True)
    stack = Stack(App(outdir=str(tmp_path / "out")), "cluster")
    declarations_for(environment, platform_for(environment, offline), offline).cluster(stack)
    gates = stack.declared["resource"]["terraform_data"]
    assert set(gates) == set(resources(case, "terraform_data"))
    assert not any("provisioner" in gate for gate in gates.values())


@pytest.mark.parametrize("case", CASES)
def test_all_brokers_have_the_same_ordered_seeds_and_no_id(case: str) -> None:
    seeds = [json.dumps(file["redpanda"]["seed_servers"]) for file in files(case)]
    assert len(set(seeds)) == 1
    listed = [each["host"]["address"] for each in files(case)[0]["redpanda"]["seed_servers"]]
    assert listed == [file["redpanda"]["advertised_rpc_api"]["address"] for file in files(case)][:3]
    for file in files(case):
        assert file["redpanda"]["empty_seed_starts_cluster"] is False
        assert "node_id" not in file["redpanda"]


@pytest.mark.parametrize("case", CASES)
def test_advertised_names_are_those_the_private_zone_gives(case: str) -> None:
    (zone,) = resources(case, "aws_service_discovery_private_dns_namespace").values()
    names = cluster(case)["locals"]["aws_service_discovery_service_broker"].values()
    expected = [f"{name}.{zone['name']}" for name in names]
    assert [file["redpanda"]["advertised_rpc_api"]["address"] for file in files(case)] == expected
    assert [file["redpanda"]["advertised_kafka_api"][0]["address"] for file in files(case)] == expected
    assert cluster(case)["output"]["bootstrap_servers"]["value"] == ",".join(f"{each}:9092" for each in expected)


@pytest.mark.parametrize("case", PROD)
def test_production_has_three_brokers_in_three_zones_that_know_their_rack(case: str) -> None:
    racks = [file["redpanda"]["rack"] for file in files(case)]
    assert len(racks) >= 3 and len(set(racks)) == 3
    for service, rack in zip(resources(case, "aws_ecs_service").values(), racks, strict=True):
        (subnet,) = service["network_configuration"]["subnets"]
        assert subnet.replace(".id}", "}") == rack.replace(".availability_zone}", "}")
    assert bootstrap(case)["enable_rack_awareness"] is True


@pytest.mark.parametrize("case", CASES)
def test_redpanda_is_told_what_is_its_own_and_nothing_of_a_developers_mode(case: str) -> None:
    script = cluster(case)["locals"]["broker_start"]
    flags = dict(
        flag.split("=", 1) for flag in script.splitlines()[-1].split() if flag.startswith("--") and "=" in flag
    )
    task = resources(case, "aws_ecs_task_definition")["broker"]
    assert int(flags["--smp"]) * 1024 == int(task["cpu"])
    assert flags["--memory"].endswith("M") and int(flags["--memory"][:-1]) < int(task["memory"])
    assert int(flags["--memory"][:-1]) * 2**20 >= int(flags["--smp"]) * 2 * 10**9
    assert flags["--reserve-memory"] == "0M"
    for word in ("--overprovisioned", "--mode", "dev-container", "unsafe"):
        assert word not in script
    for file in files(case):
        assert file["redpanda"]["developer_mode"] is False and file["rpk"]["overprovisioned"] is False
    assert ("--reactor-backend" in flags) == (case in FARGATE)


def test_a_broker_starts_with_its_files_and_without_its_secrets(tmp_path: Path) -> None:
    """The container's own script, run by a shell; programs it calls are replaced by ones that tell."""
    programs = tmp_path / "bin"
    programs.mkdir()
    tell = 'import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], open(os.environ["TOLD"], "w"))'
    for name, text in (("chown", "exit 0"), ("setpriv", f"exec '{sys.executable}' -c '{tell}' \"$@\"")):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    script = cluster("redpanda-ec2-prod")["locals"]["broker_start"]
    secrets = {
        "TLS_CA": "the authority\nof all", "TLS_CERTIFICATE": "a %s certificate", "TLS_PRIVATE_KEY": "a key",
        "ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": "pass-word",
    }  # fmt: skip
    given = {**secrets, "BROKER_FILE": '{"redpanda": {}}', "BOOTSTRAP_FILE": '{"superusers": ["admin"]}'}
    environment = {**given, "PATH": f"{programs}:/usr/bin:/bin", "TOLD": str(tmp_path / "told")}
    etc = tmp_path / "etc"
    subprocess.run(
        ["/bin/sh", "-c", script.replace("/etc/redpanda", str(etc))], env=environment, check=True, timeout=60
    )
    arguments, inside = json.loads((tmp_path / "told").read_text())
    assert arguments[3:6] == ["rpk", "redpanda", "start"]
    assert inside["RP_BOOTSTRAP_USER"] == "admin:pass-word:SCRAM-SHA-512"
    assert not set(secrets) & set(inside)
    assert inside["HOME"] == "/var/lib/redpanda"
    assert (etc / "certs" / "ca.crt").read_text() == secrets["TLS_CA"]
    assert (etc / "certs" / "broker.crt").read_text() == secrets["TLS_CERTIFICATE"]
    assert (etc / "certs" / "broker.key").stat().st_mode & 0o077 == 0
    assert (etc / "redpanda.yaml").read_text() == given["BROKER_FILE"]
    assert (etc / ".bootstrap.yaml").read_text() == given["BOOTSTRAP_FILE"]


@pytest.mark.parametrize("case", EC2)
def test_a_machines_first_start_is_a_script_a_shell_can_read(case: str) -> None:
    for machine in resources(case, "aws_instance").values():
        text = re.sub(r"\$\{[^}]*\}", "x", machine["user_data"])
        subprocess.run(["bash", "-n", "-c", text], check=True, timeout=60)


@pytest.mark.parametrize("case", CASES)
def test_health_never_ends_a_broker_for_what_others_do(case: str) -> None:
    for container in containers(case).values():
        command = " ".join(container["healthCheck"]["command"])
        assert "127.0.0.1/33145" in command and "cluster" not in command
        assert container["stopTimeout"] == 120
    for service in resources(case, "aws_ecs_service").values():
        assert service["health_check_grace_period_seconds"] == 2**31 - 1
        assert service["deployment_circuit_breaker"] == {"enable": True, "rollback": False}


@pytest.mark.parametrize("case", CASES)
def test_images_are_pinned_and_logs_end(case: str) -> None:
    for container in containers(case).values():
        assert re.search(r":v\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$", container["image"])
        assert container["logConfiguration"]["options"]["awslogs-group"] == "${aws_cloudwatch_log_group.brokers.name}"
    (logs,) = resources(case, "aws_cloudwatch_log_group").values()
    assert logs["retention_in_days"] in (7, 90)


@pytest.mark.parametrize("case", FARGATE)
def test_fargates_volumes_are_encrypted_tagged_and_xfs(case: str) -> None:
    for service in resources(case, "aws_ecs_service").values():
        volume = service["volume_configuration"]["managed_ebs_volume"]
        assert volume["encrypted"] and volume["kms_key_id"] == "${aws_kms_key.redpanda.arn}"
        assert volume["file_system_type"] == "xfs"
        assert {"project", "environment", "managed-by", "team"} <= set(volume["tag_specifications"][0]["tags"])
    task = resources(case, "aws_ecs_task_definition")["broker"]
    assert task["volume"] == [{"name": "data", "configure_at_launch": True}]
    for container in containers(case).values():
        assert container["ulimits"] == [{"name": "nofile", "softLimit": 65535, "hardLimit": 65535}]


@pytest.mark.parametrize("case", EC2)
def test_on_ec2_each_broker_has_a_volume_that_outlives_its_task_and_a_machine_in_its_zone(case: str) -> None:
    (volume,) = resources(case, "aws_ebs_volume").values()
    zones = cluster(case)["locals"]["aws_ebs_volume_broker"]
    assert volume["encrypted"] and volume["kms_key_id"] == "${aws_kms_key.redpanda.arn}" and volume["type"] == "gp3"
    assert volume.get("lifecycle", {}).get("prevent_destroy", False) is (case in PROD)
    machines, attached = resources(case, "aws_instance"), resources(case, "aws_volume_attachment")
    services = resources(case, "aws_ecs_service")
    assert set(machines) == set(attached) == set(services)
    for name, machine in machines.items():
        key = name.rpartition("-")[2]
        assert machine["subnet_id"] == zones[key].replace("availability_zone", "id")
        assert f'{{"broker":"{name}"}}' in machine["user_data"] and f'broker["{key}"]' in machine["user_data"]
        assert 'blkid "$device" || mkfs.xfs "$device"' in machine["user_data"]
        assert services[name]["placement_constraints"] == [
            {"type": "memberOf", "expression": f"attribute:broker == {name}"}
        ]
        assert attached[name]["volume_id"] == f'${{aws_ebs_volume.broker["{key}"].id}}'
        assert {"ami", "user_data", "subnet_id"} <= set(machine["lifecycle"]["ignore_changes"])
        assert f"terraform_data.before-{key}" in machine["depends_on"]
        assert f"aws_volume_attachment.{name}" in services[name]["depends_on"]
    assert "volume_configuration" not in json.dumps(services)


@pytest.mark.parametrize("case", CASES)
def test_everything_that_takes_tags_is_tagged(case: str) -> None:
    (provider,) = cluster(case)["provider"]["aws"]
    (defaults,) = provider["default_tags"]
    assert {"project", "environment", "managed-by", "team", "cost-center"} <= set(defaults["tags"])


@pytest.mark.parametrize("case", CASES)
def test_topics_leave_out_what_redpanda_forgets_and_come_with_their_users(case: str) -> None:
    document = golden(case)["topics"]
    for topic in document["locals"]["kafka_topic_topic"].values():
        assert set(topic["config"]) == {"cleanup.policy", "retention.ms"}
        assert topic["replication"] == (3 if case in PROD else 1)
    (user,) = document["resource"]["kafka_user_scram_credential"].values()
    own = ', "billing", "order-audit"' if "_applications-" in case else ""
    assert user["for_each"] == f'${{toset(["producer", "consumer", "sink", "registry"{own}])}}'
    assert user["scram_mechanism"] == "SCRAM-SHA-512" and "password" not in user
    for stack in ("topics", "connect"):
        for provider in golden(case)[stack]["provider"]["kafka"]:
            assert provider["tls_enabled"] is True and provider["sasl_mechanism"] == "scram-sha512"
            assert "skip_tls_verify" not in provider and provider["ca_cert"] == "${var.kafka_authority}"


def test_the_intent_of_topics_keeps_what_the_terraform_leaves_out(tmp_path: Path) -> None:
    environment, _ = environment_of("redpanda-ec2-prod", tmp_path)
    assert dict(topic_specs(environment)[0].config)["min.insync.replicas"] == "2"


def test_a_broker_more_changes_nothing_of_those_there_are(tmp_path: Path) -> None:
    after, before = changed("redpanda-ec2-prod", tmp_path, "brokers: 3", "brokers: 5"), cluster("redpanda-ec2-prod")
    for name in ("aws_ecs_service", "aws_instance", "aws_volume_attachment"):
        old, new = before["resource"][name], after["resource"][name]
        assert len(new) == 5 and {key: new[key] for key in old} == old
    old, new = (each["locals"]["aws_ecs_task_definition_broker"] for each in (before, after))
    assert {key: new[key] for key in old} == old
    assert after["locals"]["broker_1"] == before["locals"]["broker_1"]
