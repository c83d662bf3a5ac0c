"""Keys of plan artefacts: what is encrypted for one opens with no other, and no private key is taken from argv."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from modules.artefact.keys import AgeKey, KmsKey, new_identity, plan_key
from modules.environment.plans import Plans
from modules.environment.types import SecretRefValue
from modules.errors import ConfigError, SecretError
from modules.project import Project
from tests.artefact.support import SECRET_BYTES, age_key

CONTEXT = {"infra": "plan", "environment": "dev", "content": "abc"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("INFRA_PLAN_KEY", raising=False)
    return Project(tmp_path)


def test_what_is_encrypted_for_one_key_opens_with_it_and_shows_nothing(tmp_path: Path) -> None:
    key = age_key(tmp_path)
    sealed = key.encrypt(SECRET_BYTES, CONTEXT)

    assert SECRET_BYTES not in sealed
    assert key.decrypt(sealed, CONTEXT, "age1…") == SECRET_BYTES
    assert "AGE-SECRET" not in repr(key)
    assert key.to_json() == {"kind": "age", "for": list(key.recipients)}


def test_another_key_is_refused_and_both_are_named(tmp_path: Path) -> None:
    mine, other = age_key(tmp_path, "mine"), age_key(tmp_path, "other")
    sealed = mine.encrypt(SECRET_BYTES, CONTEXT)

    with pytest.raises(SecretError) as refused:
        other.decrypt(sealed, CONTEXT, mine.recipients[0])
    assert refused.value.what == (
        f"the plan is not encrypted for this key: it is for {mine.recipients[0]}, the key is {other.recipients[0]}"
    )


def test_a_public_key_encrypts_and_opens_nothing(tmp_path: Path) -> None:
    whole = age_key(tmp_path)
    public = AgeKey(whole.recipients)
    sealed = public.encrypt(SECRET_BYTES, CONTEXT)

    assert whole.decrypt(sealed, CONTEXT, "") == SECRET_BYTES
    with pytest.raises(
        SecretError, match="a public key encrypts plans and opens none: this one is encrypted for age1x"
    ):
        public.decrypt(sealed, CONTEXT, "age1x")


def test_a_new_key_is_private_and_never_replaces_one(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    public = new_identity(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith(f"# public key: {public}\nAGE-SECRET-KEY-1")
    with pytest.raises(ConfigError) as refused:
        new_identity(path)
    assert refused.value.what == "the file is there already, and a key that is lost opens nothing any more"


def test_the_key_comes_from_the_option_the_variable_the_yaml_or_the_project_in_this_order(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("option", "variable", "yaml")
    keys = {name: age_key(project.root, name) for name in names}
    settings = Plans(key=SecretRefValue("file", "yaml"))

    def chosen(given: str | None = None, by_default: bool = False, settings: Plans = settings) -> tuple[str, ...]:
        found = plan_key(project, given=given, settings=settings, by_default=by_default)
        assert isinstance(found, AgeKey)
        return found.readers

    assert chosen() == keys["yaml"].recipients
    monkeypatch.setenv("INFRA_PLAN_KEY", keys["variable"].identities[0])
    assert chosen() == keys["variable"].recipients
    assert chosen(f"file:{project.root / 'option'}") == keys["option"].recipients
    rehearsal = plan_key(Project(project.root, offline=True), given="file:option")
    assert isinstance(rehearsal, AgeKey)
    assert rehearsal.readers == keys["option"].recipients
    assert chosen(",".join(keys["option"].recipients)) == keys["option"].recipients
    monkeypatch.delenv("INFRA_PLAN_KEY")
    own = chosen(by_default=True, settings=Plans())
    assert own == chosen(by_default=True, settings=Plans())
    assert (project.root / ".infra/plan-key.txt").stat().st_mode & 0o777 == 0o600


def test_who_plans_needs_only_public_keys(project: Project) -> None:
    key = age_key(project.root)
    settings = Plans(key=SecretRefValue("env", "NOT_SET_WHERE_IT_IS_PLANNED"), recipients=list(key.recipients))

    assert isinstance(found := plan_key(project, settings=settings), AgeKey)
    assert (found.readers, found.identities) == (key.recipients, ())
    with pytest.raises(SecretError, match="the environment variable NOT_SET_WHERE_IT_IS_PLANNED is not set"):
        plan_key(project, settings=settings, to_open=True)


def test_without_a_key_it_is_said_how_to_make_one(project: Project) -> None:
    with pytest.raises(ConfigError) as refused:
        plan_key(project, settings=Plans())
    assert refused.value.what == (
        "there is no key to encrypt the plan with, and a plan file holds sensitive values in clear"
    )
    assert (refused.value.do or "").startswith("make one with `infra plan --new-key FILE`, keep it where secrets are")


def test_a_plan_made_elsewhere_is_not_opened_with_a_fresh_key(project: Project) -> None:
    with pytest.raises(ConfigError, match="the plan was made elsewhere, and this project has no key to open it with"):
        plan_key(project, by_default=True, to_open=True)
    assert not (project.root / ".infra").exists()


def test_a_private_key_in_an_argument_is_refused_and_not_repeated(project: Project) -> None:
    private = age_key(project.root).identities[0]
    with pytest.raises(ConfigError) as refused:
        plan_key(project, given=private)
    assert refused.value.what == "a private key on the command line can be read by everyone on this machine"
    assert private not in str(refused.value)


@pytest.mark.parametrize("text", ["age1tooshort", "hello", "aws-kms:no key", "AGE-SECRET-KEY-2QQ"])
def test_what_is_no_key_is_refused_without_being_repeated(project: Project, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        plan_key(project, given=text)
    assert refused.value.what.startswith("this is no key: expected age public keys (age1…), a reference to an age")
    assert text not in str(refused.value)


def test_a_secret_that_is_no_age_key_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "hunter2-hunter2")
    with pytest.raises(SecretError) as refused:
        plan_key(project, given="env:SOME_SECRET")
    assert refused.value.what == "this is no age private key (AGE-SECRET-KEY-1…)"
    assert "hunter2" not in str(refused.value)


# --- AWS KMS ---


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KmsKey, KmsKey]]:
    """Two keys of one account."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("kms")
        for alias in ("plans", "other"):
            key = client.create_key()["KeyMetadata"]["KeyId"]
            client.create_alias(AliasName=f"alias/{alias}", TargetKeyId=key)
        yield KmsKey("alias/plans"), KmsKey("alias/other")


def test_a_kms_key_encrypts_for_one_environment_and_content(kms: tuple[KmsKey, KmsKey]) -> None:
    key = kms[0]
    sealed = key.encrypt(SECRET_BYTES, CONTEXT)

    assert SECRET_BYTES not in sealed
    assert key.decrypt(sealed, CONTEXT, "") == SECRET_BYTES
    with pytest.raises(
        SecretError, match=r"the plan is not encrypted for this key: it is for aws-kms:x, or for other "
    ):
        key.decrypt(sealed, {**CONTEXT, "environment": "prod"}, "aws-kms:x")


def test_another_kms_key_does_not_open_it(kms: tuple[KmsKey, KmsKey]) -> None:
    sealed = kms[0].encrypt(SECRET_BYTES, CONTEXT)
    with pytest.raises(SecretError) as refused:
        kms[1].decrypt(sealed, CONTEXT, "aws-kms:alias/plans")
    assert refused.value.where == "aws-kms:alias/other"


@pytest.mark.parametrize("place", [-1, 20])
def test_a_changed_byte_is_found_under_kms_too(kms: tuple[KmsKey, KmsKey], place: int) -> None:
    sealed = bytearray(kms[0].encrypt(SECRET_BYTES, CONTEXT))
    sealed[place] ^= 1
    with pytest.raises(SecretError):
        kms[0].decrypt(bytes(sealed), CONTEXT, "")


def test_a_kms_key_that_is_not_there_is_named_with_the_right_that_is_needed(kms: tuple[KmsKey, KmsKey]) -> None:
    with pytest.raises(SecretError) as refused:
        KmsKey("alias/nobody").encrypt(SECRET_BYTES, CONTEXT)
    assert refused.value.where == "aws-kms:alias/nobody"
    assert "kms:GenerateDataKey" in (refused.value.do or "")


def test_kms_is_chosen_by_the_yaml_or_the_option(project: Project) -> None:
    arn = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert plan_key(project, settings=Plans(kms="alias/plans")) == KmsKey("alias/plans")
    assert plan_key(project, given=f"aws-kms:{arn}") == KmsKey(arn, "eu-west-1")
    with pytest.raises(ValueError, match="`kms` goes without `key` and `recipients`"):
        Plans(kms="alias/plans", key=SecretRefValue("env", "KEY"))
