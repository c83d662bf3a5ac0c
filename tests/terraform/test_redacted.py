"""What a program under Terraform echoes of a secret, in whatever form, is in no error, event or kept log."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from modules.errors import ApplyError
from tests.terraform.support import Workbench, data, shell

_ECHOES = """
import base64, json, os, sys, urllib.parse
secret = os.environ["TF_VAR_key"]
for form in (secret, json.dumps({"key": secret}), urllib.parse.quote(secret, safe=""),
             base64.b64encode(("user:" + secret).encode()).decode(), " ".join(secret.split())):
    print("refused:", form)
sys.exit(1)
"""


def test_a_private_key_echoed_whole_escaped_encoded_and_by_line_is_cut_out(bench: Workbench) -> None:
    lines = [f"{number}abcdefghijklmnopqrstuvwxyz+/ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456" for number in range(5)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])
    program = bench.root / "echoes.py"
    program.write_text(_ECHOES)
    document = {
        "variable": {"key": {"type": "string", "ephemeral": True}},
        "resource": data(a={"provisioner": shell(f'"$INFRA_PYTHON" {program}')}),
    }
    bench.stack("one", document)
    deployment = bench.deployment(secrets={"key": key})
    with pytest.raises(ApplyError) as caught:
        deployment.apply(deployment.plan())
    log = (bench.folder("one") / "apply.log").read_text()
    assert "refused: (secret)" in str(caught.value) + log
    encoded = base64.b64encode(key.encode()).decode()
    for shown in (str(caught.value), repr(bench.progress.events), repr(bench.progress.notes), log):
        for part in (*lines, json.dumps(key), quote(lines[1], safe=""), encoded[8:60]):
            assert part not in shown
