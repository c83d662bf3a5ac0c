"""The hunter finds a canary in each form and each place: a search that finds nothing must be able to find something."""

from __future__ import annotations

import gzip
import io
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from pathlib import Path

import pytest

from tests.secrets.canary import Found, Hunter, Meant, Processes, forms_of, lines_of, password, private_key
from tests.terraform.support import until

VALUE = password("itself")
KEY = private_key()
HUNTER = Hunter({"password": VALUE, "key": KEY})


@pytest.mark.parametrize("form", forms_of(VALUE))
def test_each_form_is_found(form: str) -> None:
    assert Found("password", form, "x") in HUNTER.in_text(f"before {forms_of(VALUE)[form]} after", "x")


def test_each_long_line_of_a_key_is_found_also_wrapped_anew() -> None:
    body = [line for line in KEY.splitlines() if not line.startswith("-----")]
    for line in body[1:-1]:
        assert {each.canary for each in HUNTER.in_text(f"x {line} x", "x")} == {"key"}
    for width in (40, 70, 76):
        assert HUNTER.in_text("\n".join(textwrap.wrap("".join(body), width)), "x")
    assert len(lines_of(KEY)) > 20 and HUNTER.in_text(body[0], "x") == []


def test_each_place_is_searched_and_only_those_that_are_meant_are_left_out(tmp_path: Path) -> None:
    data = VALUE.encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.gz", gzip.compress(data))
    (tmp_path / "plan.zip").write_bytes(packed.getvalue())
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "plan.zip", "plan.zip")
    database = sqlite3.connect(tmp_path / "store.sqlite")
    database.execute("create table t (x text)")
    database.execute("insert into t values (?)", (VALUE,))
    database.commit()
    database.close()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / ".hidden.log").write_bytes(b"\xff" + data)
    (tmp_path / "innocent").write_text("nothing")
    found = {each.place.partition("!")[0] for each in HUNTER.in_folder(tmp_path)}
    assert found == {"plan.zip", "all.tar.gz", "store.sqlite", "deep/.hidden.log"}
    left = {each.place.partition("!")[0] for each in HUNTER.in_folder(tmp_path, [Meant("deep/*", "a test")])}
    assert left == found - {"deep/.hidden.log"}
    assert HUNTER.in_folder(tmp_path, [Meant("deep/*", "a test", "key")])


def test_the_arguments_of_a_process_of_a_process_are_seen() -> None:
    inner = "import sys, time; sys.stdin.read()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}, sys.argv[1][::-1]])"
    with Processes() as seen:
        run = subprocess.Popen([sys.executable, "-c", outer, VALUE[::-1]], stdin=subprocess.PIPE)
        until(lambda: bool(HUNTER.in_text(seen.text(), "argv")))
        assert run.stdin is not None
        run.stdin.close()
        run.wait()
    assert seen.cores


def test_the_arguments_of_a_process_that_left_its_parent_are_seen_by_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_MARK", VALUE[:12])
    inner = "import sys, time; time.sleep(60)"
    outer = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', "
        f"{inner!r}, sys.argv[1][::-1]], stdout=-3, start_new_session=True).pid)"
    )
    with Processes(marked=("CANARY_MARK", VALUE[:12])) as seen:
        run = subprocess.run([sys.executable, "-c", outer, VALUE[::-1]], stdout=subprocess.PIPE, check=True)
        try:
            seen.arguments.clear()
            until(lambda: bool(HUNTER.in_text(seen.text(), "argv")))
        finally:
            os.kill(int(run.stdout), signal.SIGKILL)
