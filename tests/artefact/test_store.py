"""Where artefacts are kept: whole or not at all, private, found by content; anything else is refused by name."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import boto3
import pytest

from modules.artefact.keys import AgeKey
from modules.artefact.package import MANIFEST, PAYLOAD, Artefact
from modules.artefact.store import (
    Outcome,
    applied_words,
    find_artefact,
    manifest_of,
    mark,
    newest_artefact,
    read_artefact,
    refuse_applied,
    write_artefact,
)
from modules.errors import ConfigError, InfraError, PlanError, SecretError
from modules.project import Project
from tests.artefact.support import SECRET_BYTES, age_key, artefact


def opened(place: str, key: AgeKey, content_hash: str | None = None) -> Artefact:
    return read_artefact(find_artefact(place, "dev", content_hash), key)


def refusal(place: str | Path, key: AgeKey, content_hash: str | None = None) -> InfraError:
    with pytest.raises(InfraError) as refused:
        opened(str(place), key, content_hash)
    return refused.value


def test_an_artefact_comes_back_as_it_was_and_no_file_of_it_shows_anything(tmp_path: Path, key: AgeKey) -> None:
    made, folder = artefact(), tmp_path / "plan"
    write_artefact(made, key, str(folder))
    back = opened(str(folder), key)

    assert back.files == made.files
    assert back.states == made.states
    assert (back.content, back.identity, back.cost, back.revision) == (
        made.content, made.identity, made.cost, made.revision,
    )  # fmt: skip
    assert (back.summary, back.allow_destroy) == (made.summary, made.allow_destroy)
    assert back.plan.stacks[0].changes == made.plan.stacks[0].changes
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    for hidden in (SECRET_BYTES, b"kafka_topic", b"111111111111", b"retention"):
        assert hidden not in everything


def test_files_are_the_owners_alone_and_nothing_else_is_left(tmp_path: Path, key: AgeKey) -> None:
    write_artefact(artefact(), key, str(tmp_path / "deep" / "plan"))
    write_artefact(artefact(), key, str(tmp_path / "deep" / "plan"))

    folder = tmp_path / "deep" / "plan"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {MANIFEST: 0o600, PAYLOAD: 0o600}
    assert [path.name for path in folder.parent.iterdir()] == ["plan"]


def test_what_cannot_be_written_whole_leaves_what_was_there(
    tmp_path: Path, key: AgeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plan"
    write_artefact(artefact(), key, str(folder))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(path: Path, content: bytes) -> bool:
        if path.name == MANIFEST:
            raise OSError(28, "No space left on device")
        return bool(path.write_bytes(content))

    monkeypatch.setattr("modules.artefact.store.write_private", full)
    with pytest.raises(PlanError, match="the plan cannot be written: No space left on device"):
        write_artefact(artefact(), key, str(folder))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.txt", "plan"]


def test_something_else_is_never_replaced(tmp_path: Path, key: AgeKey) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("x")

    for name in ("work", "file"):
        with pytest.raises(ConfigError) as refused:
            write_artefact(artefact(), key, str(tmp_path / name))
        assert refused.value.what == "something else than a plan of infra is there, and it is left as it is"
    assert (tmp_path / "work" / "thesis.txt").read_text() == "years"


def test_an_empty_folder_is_taken(tmp_path: Path, key: AgeKey) -> None:
    (tmp_path / "plan").mkdir()
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    assert opened(str(tmp_path / "plan"), key)


# --- bad artefacts ---


def _truncated(folder: Path) -> None:
    payload = folder / PAYLOAD
    payload.write_bytes(payload.read_bytes()[:-100])


def _flipped(folder: Path) -> None:
    payload = folder / PAYLOAD
    content = bytearray(payload.read_bytes())
    content[len(content) // 2] ^= 1
    payload.write_bytes(content)


def _edited(**values: Any) -> Any:
    def edit(folder: Path) -> None:
        manifest = folder / MANIFEST
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **values}))

    return edit


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_truncated, "the encrypted plan is truncated: "),
        (_flipped, "the encrypted plan is damaged: its SHA-256 is not the one its manifest names"),
        (lambda folder: (folder / PAYLOAD).unlink(), "plan.encrypted is missing"),
        (lambda folder: (folder / MANIFEST).unlink(), "this holds no plan of infra: there is no manifest.json"),
        (
            lambda folder: (folder / MANIFEST).write_text("{"),
            "this is no plan of infra: its manifest.json is damaged or another program's",
        ),
        (
            lambda folder: (folder / MANIFEST).write_text('{"name": "My App", "icons": []}'),
            "this is no plan of infra: its manifest.json is damaged or another program's",
        ),
        (
            lambda folder: (folder / MANIFEST).write_text('{"format": "oci", "version": 1}'),
            "this is no plan of infra: its manifest.json is another program's",
        ),
        (
            _edited(version=2, tools={"infra": "9.0.0"}),
            "a newer infra made this plan: its format is 2, this one reads formats up to 1 (it was made with infra "
            "9.0.0)",
        ),
        (_edited(payload_bytes="many"), "the manifest.json of this plan is damaged"),
        (_edited(created="2030-01-01 00:00:00 UTC"), "the manifest.json says something else than the plan it stands"),
        (_edited(environment="prod"), "the manifest.json says something else than the plan it stands beside"),
        (_edited(content_hash="0" * 64), "the manifest.json says something else than the plan it stands beside"),
        (lambda folder: shutil.rmtree(folder), "there is no such folder"),
    ],
)
def test_a_spoilt_artefact_is_refused_by_what_is_wrong_with_it(
    tmp_path: Path, key: AgeKey, spoil: Any, message: str
) -> None:
    folder = tmp_path / "plan"
    write_artefact(artefact(), key, str(folder))
    spoil(folder)

    error = refusal(folder, key)
    assert error.what.startswith(message)
    assert error.where == str(folder)
    assert error.do


def test_any_flipped_byte_of_the_payload_is_found(tmp_path: Path, key: AgeKey) -> None:
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    payload = tmp_path / "plan" / PAYLOAD
    whole = payload.read_bytes()
    for place in range(0, len(whole), 97):
        payload.write_bytes(whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :])
        assert "damaged" in refusal(tmp_path / "plan", key).what


def test_a_payload_with_a_manifest_that_fits_but_no_plan_in_it_is_refused(tmp_path: Path, key: AgeKey) -> None:
    import hashlib

    write_artefact(artefact(), key, str(tmp_path / "plan"))
    forged = key.encrypt(b"no zip at all", {})
    (tmp_path / "plan" / PAYLOAD).write_bytes(forged)
    _edited(payload_bytes=len(forged), payload_sha256=hashlib.sha256(forged).hexdigest())(tmp_path / "plan")

    assert refusal(tmp_path / "plan", key).what == "what the encrypted plan holds is no plan of this infra"


def test_it_opens_with_no_other_key(tmp_path: Path, key: AgeKey) -> None:
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    error = refusal(tmp_path / "plan", age_key(tmp_path, "other"))

    assert isinstance(error, SecretError)
    assert error.what.startswith(f"the plan is not encrypted for this key: it is for {key.recipients[0]}, the key is ")


# --- many of them ---


def test_among_many_the_one_for_the_content_is_found(tmp_path: Path, key: AgeKey) -> None:
    store = f"{tmp_path / 'plans'}/"
    first, second = artefact(content_hash="a" * 64), artefact(content_hash="b" * 64, created="later")
    write_artefact(first, key, store)
    assert opened(store, key).content_hash == "a" * 64  # the only one needs no name
    where = write_artefact(second, key, store)

    assert where == str(tmp_path / "plans" / "dev" / ("b" * 64))
    assert opened(store, key, "b" * 64).created == "later"
    error = refusal(store, key, "c" * 64)
    assert error.what == "no plan of dev was kept for this content (cccccccccccccccc…)"
    assert error.details == ("kept is one for aaaaaaaaaaaaaaaa…", "kept is one for bbbbbbbbbbbbbbbb…")
    assert refusal(store, key).what == "these are several plans"
    assert str(newest_artefact(store, "dev", offline=second.plan.offline)) == where
    assert newest_artefact(store, "dev", offline=not second.plan.offline) is None
    assert newest_artefact(store, "prod", offline=second.plan.offline) is None


def test_a_bucket_keeps_them_by_content_and_no_half_of_one_is_taken(bucket: str, key: AgeKey) -> None:
    where = write_artefact(artefact(), key, bucket)
    hash_ = artefact().content_hash

    assert where == f"{bucket}/dev/{hash_}"
    assert opened(bucket, key, hash_).files == artefact().files
    assert opened(where, key).files == artefact().files
    boto3.client("s3").delete_object(Bucket="plans-of-ours", Key=f"infra/dev/{hash_}/{MANIFEST}")
    assert refusal(bucket, key, hash_).what == "this holds no plan of infra: there is no manifest.json"


def test_a_bucket_that_is_not_there_is_said_plainly(bucket: str, key: AgeKey) -> None:
    with pytest.raises(PlanError) as refused:
        write_artefact(artefact(), key, "s3://nobodys-bucket/x")
    assert refused.value.what.startswith("the bucket cannot be used: NoSuchBucket")
    with pytest.raises(ConfigError, match="`s3:///x` names no bucket"):
        write_artefact(artefact(), key, "s3:///x")


# --- once ---


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("applied", "the plan was applied already, "),
        ("failed", "the plan was applied in part already, "),
        ("begun", "the plan was begun to be applied already, "),
    ],
)
def test_a_plan_serves_once_and_it_is_said_when_it_did(
    tmp_path: Path, key: AgeKey, outcome: Outcome, words: str
) -> None:
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    kept = find_artefact(str(tmp_path / "plan"), "dev", None)
    manifest = manifest_of(kept)
    refuse_applied(kept, manifest, Project(tmp_path))
    assert applied_words(kept, manifest) is None

    assert mark(kept, manifest, Project(tmp_path), outcome)
    with pytest.raises(PlanError) as refused:
        refuse_applied(kept, manifest, Project(tmp_path))
    assert refused.value.what.startswith(words)
    assert refused.value.what.endswith(" UTC: a plan file serves once")
    with pytest.raises(PlanError):  # in another checkout, where only the folder tells
        refuse_applied(kept, manifest, Project(tmp_path / "elsewhere"))
    (tmp_path / "plan" / "applied.json").unlink()
    with pytest.raises(PlanError):  # a fresh copy of the artefact, where only the project remembers
        refuse_applied(kept, manifest, Project(tmp_path))


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, key: AgeKey) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    (tmp_path / "plan").chmod(0o500)
    kept = find_artefact(str(tmp_path / "plan"), "dev", None)
    assert not mark(kept, manifest_of(kept), Project(tmp_path), "applied")


def test_another_plan_at_the_same_place_is_fresh(tmp_path: Path, key: AgeKey) -> None:
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    kept = find_artefact(str(tmp_path / "plan"), "dev", None)
    mark(kept, manifest_of(kept), Project(tmp_path), "applied")
    write_artefact(artefact(created="later"), key, str(tmp_path / "plan"))

    refuse_applied(kept, manifest_of(kept), Project(tmp_path))


def test_an_apply_that_came_to_nothing_leaves_the_plan_to_serve(tmp_path: Path, key: AgeKey) -> None:
    write_artefact(artefact(), key, str(tmp_path / "plan"))
    kept = find_artefact(str(tmp_path / "plan"), "dev", None)
    mark(kept, manifest_of(kept), Project(tmp_path), "begun")
    mark(kept, manifest_of(kept), Project(tmp_path), "untouched")

    refuse_applied(kept, manifest_of(kept), Project(tmp_path))
    assert applied_words(kept, manifest_of(kept)) is None
