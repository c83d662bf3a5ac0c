"""A known secret is cut out of text in whatever form another program repeats it, and innocent text stays whole."""

from __future__ import annotations

import base64
import json
import shlex
import textwrap
from urllib.parse import quote, quote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.redaction import PLACEHOLDER, Redactor

SECRET = 'p&ss<w>ö/rd+1 "two"=\\x'


def go_json(text: str) -> str:
    """As Go's encoding/json writes it."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@pytest.mark.parametrize(
    "echoed",
    [
        SECRET,
        json.dumps({"password": SECRET}),
        json.dumps({"password": SECRET}, ensure_ascii=False),
        json.dumps(json.dumps({"password": SECRET})),
        go_json(SECRET),
        f"https://user:{quote(SECRET, safe='')}@registry.example.com/",
        f"GET /login?{urlencode({'password': SECRET})}",
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        f"Authorization: Basic {base64.b64encode(f'admin:{SECRET}'.encode()).decode()}",
        f"Basic {base64.b64encode(f'ad:{SECRET}:more'.encode()).decode()}",
        f"Basic {base64.b64encode(f'adm:{SECRET}'.encode()).decode()}",
        f"curl -u {shlex.quote(SECRET)}",
    ],
)
def test_a_secret_is_found_in_each_form_it_is_echoed_in(echoed: str) -> None:
    cleaned = Redactor([SECRET])(echoed)
    assert PLACEHOLDER in cleaned
    for part in (SECRET, "ss<w", "ss\\u003cw", "ss%3Cw", "ss%3cw", base64.b64encode(SECRET.encode()).decode()[4:20]):
        assert part not in cleaned


def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_private_key_is_found_whole_by_line_in_one_line_indented_and_encoded() -> None:
    key = pem()
    clean = Redactor([key])
    body = [line for line in key.splitlines() if not line.startswith("-----")]
    echoes = [
        key,
        key.strip(),
        json.dumps(key),
        " ".join(key.split()),
        "".join(body),
        textwrap.indent(key, "    │ "),
        key.replace("\n", "\r\n"),
        base64.b64encode(key.encode()).decode(),
        f"cannot parse {body[3]} as a key",
        quote(key),
    ]
    for echo in echoes:
        cleaned = clean(echo)
        assert not any(line in cleaned for line in body if len(line) >= 16), echo[:40]
        assert PLACEHOLDER in cleaned


def test_of_a_secret_that_is_an_object_each_value_is_one_and_the_user_names_are_none() -> None:
    clean = Redactor(
        [json.dumps({"username": "streaming-sink", "password": "hunter2-hunter2", "more": ["inner-value"]})]
    )
    assert clean("user streaming-sink, hunter2-hunter2, inner-value") == "user streaming-sink, (secret), (secret)"


def test_a_longer_secret_is_not_left_in_pieces_by_a_shorter_one() -> None:
    assert Redactor(["secret", "secret-and-more"])("it is secret-and-more") == "it is (secret)"


def test_short_values_and_none_at_all_change_nothing() -> None:
    assert Redactor(["a", "true", ""])("a true thing") == "a true thing"
    assert not Redactor(["a"])
    assert Redactor([])("whatever") == "whatever"


def test_it_never_shows_what_it_holds() -> None:
    assert "hunter2" not in repr(Redactor(["hunter2-hunter2"]))


@settings(max_examples=60, deadline=None)
@given(secret=st.text(min_size=8, max_size=60), before=st.text(max_size=5), after=st.text(max_size=5))
def test_whatever_the_secret_it_is_not_in_what_is_left(secret: str, before: str, after: str) -> None:
    secret = secret.encode(errors="ignore").decode()
    if len(secret.encode()) < 8 or len(secret) < 8 or secret in PLACEHOLDER or not secret.strip():
        return
    clean = Redactor([secret])
    whole = base64.b64encode((before + secret + after).encode(errors="ignore")).decode()
    inside = base64.b64encode(secret.encode()).decode()[4:-4]
    assert secret not in clean(f"{before}|{secret}|{after}")
    assert json.dumps(secret)[1:-1] not in clean(json.dumps([secret])) or json.dumps(secret)[1:-1] in "[]"
    assert inside not in clean(whole) or len(inside) < 6
