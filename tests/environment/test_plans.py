"""The YAML's section `plans`: which key plan artefacts are encrypted with; a private key in it is never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.errors import ConfigError
from modules.project import Project

PUBLIC = "age1qvecxxk0yhnlhls5kcctsn6nwzwnr2wwrry7y9jd98j93y8d8qaq34ulrc"
PRIVATE = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"


def load(tmp_path: Path, plans: str) -> object:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text(f"platform: local\nplans: {plans}\n")
    return load_environment(Project(tmp_path), "dev").plans


def test_a_key_pair_or_a_key_of_kms_is_taken(tmp_path: Path) -> None:
    found = load(tmp_path, f"{{key: 'aws-sm:infra/plan-key', recipients: [{PUBLIC}]}}")
    assert (str(found.key), found.recipients) == ("aws-sm:infra/plan-key", [PUBLIC])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("plans", "message"),
    [
        (
            f"{{recipients: [{PRIVATE}]}}",
            "environments/dev.yaml:2: plans.recipients: expected age public keys: `age1` and",
        ),
        (
            f"{{key: {PRIVATE}}}",
            "environments/dev.yaml:2: plans.key: expected a secret reference: env:NAME, file:PATH,",
        ),
        ("{kms: my-key}", "environments/dev.yaml:2: plans.kms: expected a key of AWS KMS: alias/NAME, its ARN or"),
        (f"{{kms: alias/a, recipients: [{PUBLIC}]}}", "environments/dev.yaml:2: plans: `kms` goes without `key` and"),
        ("{keys: x}", "environments/dev.yaml:2: plans.keys: unknown key `keys`; did you mean `key`?"),
    ],
)
def test_what_is_no_key_is_named_by_file_and_line_and_not_repeated(tmp_path: Path, plans: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, plans)
    assert refused.value.details[0].startswith(message)
    assert PRIVATE not in str(refused.value)
