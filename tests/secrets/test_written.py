"""What looks like a secret in YAML is found by kind and line; the project's own files hold none."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.secrets.written import find_written

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("key: |", None),
        ("  -----BEGIN PRIVATE KEY-----", "a private key"),
        ("  -----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("access: AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
        ("x: ghp_abcdefghijklmnopqrstuvwxyz0123456789", "a GitHub token"),
        ("x: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJl", "a JSON web token"),
        ("rest_url: https://admin:hunter22@connect.example.com", "a URL with a password"),
        ("tags: {db_password: hunter2-hunter2}", "a password or key"),
        ("config: {sasl.jaas.config: '... password=\"hunter22\";'}", "a password or key"),
        ("# the old password: hunter2-hunter2", "a password or key"),
        ("api-key: 'QWERTYUIOP123456'", "a password or key"),
        ("note: wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab", "random-looking text"),
        ("- Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MEFCQ0RFRg==", "random-looking text"),
        ("cloud_api_secret: env:CONFLUENT_CLOUD_API_SECRET", None),
        ("private_key: file:~/keys/abcDEF0123456789abcDEF0123.p8", None),
        ("password: aws-ssm:/prod/Kafka/Password0123456789aBcD", None),
        ("confluent: {secrets: aws-sm}", None),
        ("password: ${secretManager:orders}", None),
        ("image: docker.io/redpanda@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", None),
        ("key_arn: arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", None),
        ("subnets: [subnet-0a1b2c3d4e5f60718, vpc-0a1b2c3d4e5f60718]", None),
        ("zone_id: Z0EXAMPLE00000000000", None),
        ("table: STREAMING.PUBLIC.ORDER_EVENTS_BY_CUSTOMER_2024", None),
        ("x: ghp_abcdefghijklmnopqrstuvwxyz0123456789 # not a secret", None),
        ("key: order_id", None),
    ],
)
def test_a_line_is_taken_for_what_it_is(line: str, kind: str | None) -> None:
    assert [each.kind for each in find_written(line)] == ([kind] if kind else [])


def test_a_private_key_is_one_finding_at_its_first_line() -> None:
    body = "\n".join(f"  MIIEvQ{number}IBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7" for number in range(5))
    text = (
        f"a: 1\nkey: |\n  -----BEGIN PRIVATE KEY-----\n{body}\n  -----END PRIVATE KEY-----\npassword: hunter2-hunter2\n"
    )
    assert [(each.line, each.kind) for each in find_written(text)] == [(3, "a private key"), (10, "a password or key")]


def test_nothing_in_the_projects_own_environments_and_test_cases_is_taken_for_a_secret() -> None:
    files = [*(ROOT / "environments").rglob("*.yaml"), *(ROOT / "tests/platforms/cases").glob("*.yaml")]
    assert len(files) > 10
    found = {f"{file.name}:{each.line} {each.kind}" for file in files for each in find_written(file.read_text())}
    assert found == set()
