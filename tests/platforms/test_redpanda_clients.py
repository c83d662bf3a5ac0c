"""Redpanda's clients: their logins, the authority they trust, and what Terraform and its plugins are given."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from modules.environment import load_environment
from modules.errors import ConfigError
from modules.platforms.redpanda import RedpandaPlatform
from modules.platforms.redpanda_admin import AdminApi
from modules.platforms.redpanda_certificates import Pair, make_authority, make_pair
from modules.project import OUTPUTS_FILE, Project
from tests.platforms.golden import cases, environment_of, golden

CASES = cases("redpanda")


def deployed(root: Path, *lines: str) -> tuple[RedpandaPlatform, Pair]:
    """A platform whose cluster stack was applied; its secrets are private files."""
    environment, project = environment_of("redpanda-ec2-dev", root)
    if lines:
        file = project.environments / "dev.yaml"
        file.write_text(file.read_text().replace("network: {", "\n".join(lines) + "\nnetwork: {"))
        environment = load_environment(project, "dev")
    pair = make_pair(make_authority("streaming-dev"), "dev.streaming.internal")
    secrets: dict[str, dict[str, str]] = {
        role: {"username": role, "password": f"of-{role}"}
        for role in ("admin", "producer", "consumer", "sink", "registry")
    }
    secrets["redpanda-authority"] = {"ca": pair.ca}
    keep(project, secrets)
    return RedpandaPlatform(project, environment), pair


def keep(project: Project, secrets: dict[str, dict[str, str]]) -> None:
    folder = project.environment_state("dev")
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in secrets.items():
        (folder / f"{name}.json").write_text(json.dumps(values))
        (folder / f"{name}.json").chmod(0o600)
    outputs = {
        "bootstrap_servers": "broker-1.dev.streaming.internal:9092",
        "registry_url": "https://registry.dev.streaming.internal",
        "client_settings": {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"},
        "credentials": {each.stem: f"file:{each}" for each in folder.glob("*.json") if each.name != OUTPUTS_FILE},
    }
    (folder / OUTPUTS_FILE).write_text(json.dumps({"cluster": outputs}))


def test_clients_have_their_login_and_trust_the_clusters_authority_alone(tmp_path: Path) -> None:
    platform, pair = deployed(tmp_path)
    assert platform.kafka_client("producer") == {
        "bootstrap.servers": "broker-1.dev.streaming.internal:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "producer",
        "sasl.password": "of-producer",
        "ssl.ca.pem": pair.ca,
    }
    registry = platform.registry_client()
    assert (registry.username, registry.password) == ("registry", "of-registry")
    assert registry.ca_file and Path(registry.ca_file).read_text() == pair.ca
    assert platform.principal("sink") == "User:sink"


def test_librdkafka_takes_the_settings(tmp_path: Path) -> None:
    from confluent_kafka import Producer

    platform, _ = deployed(tmp_path)
    Producer(platform.kafka_client("producer"), logger=None)


def test_the_registrys_client_takes_the_authority(tmp_path: Path) -> None:
    from modules.connectors.codec import registry

    platform, _ = deployed(tmp_path)
    registry(platform.registry_client())


def test_a_registry_with_a_public_certificate_needs_no_authority(tmp_path: Path) -> None:
    platform, _ = deployed(tmp_path)
    network = platform.environment.network.model_copy(update={"domain": "example.com", "zone_id": "Z0123456789"})
    public = RedpandaPlatform(platform.project, platform.environment.model_copy(update={"network": network}))
    assert public.registry_client().ca_file is None


def test_before_a_deploy_clients_are_told_to_deploy(tmp_path: Path) -> None:
    environment, project = environment_of("redpanda-ec2-dev", tmp_path)
    with pytest.raises(ConfigError, match="has no cluster here yet"):
        RedpandaPlatform(project, environment).kafka_client("sink")


@pytest.mark.parametrize("case", [case for case in CASES if "_applications-" not in case])
def test_every_secret_variable_has_a_value_and_no_other(case: str, tmp_path: Path) -> None:
    _, project = environment_of(case, tmp_path)
    platform, _ = deployed(tmp_path / "deployed")
    for stack, source in (
        ("cluster", RedpandaPlatform(project, environment_of(case, tmp_path)[0])),
        ("topics", platform),
        ("connect", platform),
    ):
        variables = golden(case)[stack]["variable"]
        assert set(source.terraform_secrets(stack)) == {
            name for name, body in variables.items() if body.get("ephemeral")
        }
    assert platform.terraform_secrets("warehouse") == {}


def test_what_is_in_the_cluster_is_reached_with_what_was_written(tmp_path: Path) -> None:
    platform, pair = deployed(tmp_path)
    found = platform.terraform_secrets("topics")
    assert found["kafka_admin_password"] == "of-admin" and found["kafka_authority"] == pair.ca
    assert found["kafka_sink_password"] == "of-sink"


def test_terraforms_plugins_trust_the_authority_beside_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry's plugin takes no authority; Go reads the folders of SSL_CERT_DIR."""
    from modules.terraform.command import AUTHORITIES, TerraformCommand, base_environment

    platform, pair = deployed(tmp_path)
    state = platform.project.environment_state("dev")
    command = TerraformCommand(("terraform",), "terraform")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert "SSL_CERT_DIR" not in base_environment(command, state / "terraform.rc", {})
    platform.terraform_secrets("topics")
    assert (state / AUTHORITIES / "redpanda.pem").read_text() == pair.ca
    found = base_environment(command, state / "terraform.rc", {})["SSL_CERT_DIR"].split(":")
    assert found == ["/etc/ssl/certs", "/etc/pki/tls/certs", str(state / AUTHORITIES)]
    monkeypatch.setenv("SSL_CERT_DIR", "/own")
    assert base_environment(command, state / "terraform.rc", {})["SSL_CERT_DIR"] == f"/own:{state / AUTHORITIES}"


def test_provisioners_find_the_python_that_runs_infra(tmp_path: Path) -> None:
    from modules.terraform.command import TerraformCommand, base_environment

    environment = base_environment(TerraformCommand(("terraform",), "terraform"), tmp_path / "terraform.rc", {})
    assert environment["INFRA_PYTHON"] == sys.executable


def test_new_clusters_get_passwords_and_an_authority_of_their_own_each_time(tmp_path: Path) -> None:
    environment, project = environment_of("redpanda-ec2-dev", tmp_path)
    platform = RedpandaPlatform(project, environment)
    one, other = platform.terraform_secrets("cluster"), platform.terraform_secrets("cluster")
    assert set(one) == {"kafka_passwords", "redpanda_authority", "redpanda_authority_key", "redpanda_tls"}
    assert all(one[name] != other[name] for name in one)
    passwords = json.loads(one["kafka_passwords"])
    assert set(passwords) == {"admin", "producer", "consumer", "sink", "registry"}
    assert len(set(passwords.values())) == 5 and all(len(each) >= 32 for each in passwords.values())


def test_new_certificates_of_a_cluster_are_its_own_authoritys(tmp_path: Path) -> None:
    """Brokers with old and new ones speak to each other while they roll."""
    environment, project = environment_of("redpanda-ec2-dev", tmp_path)
    platform = RedpandaPlatform(project, environment)
    first = {name: json.loads(value) for name, value in platform.terraform_secrets("cluster").items()}
    keep(
        project,
        {
            "redpanda-authority": first["redpanda_authority"],
            "redpanda-authority-key": first["redpanda_authority_key"],
        },
    )
    again = json.loads(platform.terraform_secrets("cluster")["redpanda_tls"])
    assert again["certificate"] != first["redpanda_tls"]["certificate"]
    assert again["ca"] == first["redpanda_authority"]["ca"]
    handshake(tmp_path, Pair(**again), first["redpanda_authority"]["ca"], "broker-1.dev.streaming.internal")


def handshake(folder: Path, pair: Pair, trusted: str, name: str) -> Any:
    """A request over TLS to a server with the pair, as the gate makes it; what it answers."""
    (folder / "chain.pem").write_text(pair.certificate + pair.private_key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "chain.pem")
    serving.load_verify_locations(cadata=pair.ca)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ready"}')

        def log_message(self, *_: object) -> None:
            return

    context = ssl.create_default_context(cadata=trusted)
    context.check_hostname = name == "127.0.0.1"
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = serving.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            url = f"https://127.0.0.1:{server.server_address[1]}"
            return AdminApi({name: url}, "admin", "x", context).ask(name, "GET", "/v1/status/ready")
        finally:
            server.shutdown()
            thread.join()


def test_a_broker_proves_itself_to_whoever_trusts_the_authority(tmp_path: Path) -> None:
    pair = make_pair(make_authority("streaming-dev"), "dev.streaming.internal")
    assert handshake(tmp_path, pair, pair.ca, "broker-1.dev.streaming.internal") == {"status": "ready"}


def test_another_authoritys_broker_is_refused_with_what_to_do(tmp_path: Path) -> None:
    from modules.errors import ServiceError

    pair = make_pair(make_authority("streaming-dev"), "dev.streaming.internal")
    with pytest.raises(ServiceError) as caught:
        handshake(tmp_path, pair, make_authority("another").certificate, "broker-1.dev.streaming.internal")
    assert "not one of the cluster's authority" in caught.value.what
    with pytest.raises(ServiceError, match="not one of the cluster's authority"):
        handshake(tmp_path, pair, pair.ca, "127.0.0.1")  # the name is checked too


def test_certificates_are_for_the_domain_for_both_sides_and_keys_are_in_no_repr() -> None:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    authority = make_authority("streaming-dev")
    pair = make_pair(authority, "dev.streaming.internal")
    made, signer = (x509.load_pem_x509_certificate(each.encode()) for each in (pair.certificate, authority.certificate))
    made.verify_directly_issued_by(signer)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["*.dev.streaming.internal"]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert signer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for text in (repr(authority), repr(pair)):
        assert "PRIVATE KEY" not in text
