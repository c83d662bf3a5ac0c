"""Stands where `gh` stands on a runner: answers from a forge's folder, and asks for the rights the service asks for.

Understands the calls and the filters that the workflows make, word by word; anything else ends with an error.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.ci.forge import REPOSITORY, Forge


def _mine(items: Iterable[dict[str, Any]], key: str, value: str, begins: bool = False) -> list[dict[str, Any]]:
    return [
        each
        for each in items
        if each["user"]["type"] == "Bot" and (each[key].startswith(value) if begins else each[key] == value)
    ]


FILTERS: dict[str, Callable[[Any], list[object]]] = {
    '.[] | select(.user.type == "Bot" and (.body | startswith(env.MARKER))) | .id': lambda found: [
        each["id"] for each in _mine(found, "body", os.environ["MARKER"], begins=True)
    ],
    '.[] | select(.user.type == "Bot" and .title == env.TITLE) | .number': lambda found: [
        each["number"] for each in _mine(found, "title", os.environ["TITLE"])
    ],
    ".[] | select(.merged_at != null) | .head.sha": lambda found: [
        each["head"]["sha"] for each in found if each["merged_at"] is not None
    ],
    "[.artifacts[] | select((.expired | not) and .workflow_run.head_repository_id == .workflow_run.repository_id)] | "
    'sort_by(-.id) | .[] | "\\(.workflow_run.id) \\(.workflow_run.head_sha)"': lambda found: [
        f"{each['workflow_run']['id']} {each['workflow_run']['head_sha']}"
        for each in sorted(found["artifacts"], key=lambda each: -each["id"])
        if not each["expired"] and each["workflow_run"]["head_repository_id"] == each["workflow_run"]["repository_id"]
    ],
    ".path": lambda found: [found["path"]],
}


def require(*ways: str) -> None:
    """One of these rights, as the job's `permissions` give them."""
    held = dict(each.split(":") for each in os.environ["GH_TOKEN"].split(",") if each)
    for way in ways:
        name, level = way.split(":")
        if held.get(name) == "write" or held.get(name) == level:
            return
    sys.exit(f"gh: HTTP 403: the token has {held}, this needs {' or '.join(ways)}")


def api(forge: Forge, method: str, address: str, fields: dict[str, str]) -> Any:
    prefix = f"repos/{REPOSITORY}/"
    if not address.startswith(prefix):
        sys.exit(f"gh: HTTP 404: {address}")
    parts = urlsplit(address.removeprefix(prefix))
    path, query = parts.path, {key: each[0] for key, each in parse_qs(parts.query).items()}
    if match := re.fullmatch(r"issues/(\d+)/comments", path):
        if method == "GET":
            require("issues:read", "pull-requests:read")
            return [each for each in forge.read("comments") if each["issue"] == int(match[1])]
        require("issues:write", "pull-requests:write")
        return forge.add("comments", issue=int(match[1]), user={"type": "Bot"}, body=fields["body"])
    if (match := re.fullmatch(r"issues/comments/(\d+)", path)) and method == "PATCH":
        require("issues:write", "pull-requests:write")
        return change(forge, "comments", int(match[1]), fields)
    if path == "issues" and method == "GET":
        require("issues:read")
        return [each for each in forge.read("issues") if each["state"] == query["state"]]
    if path == "issues" and method == "POST":
        require("issues:write")
        return forge.add("issues", number=len(forge.read("issues")) + 1, state="open", user={"type": "Bot"}, **fields)
    if (match := re.fullmatch(r"issues/(\d+)", path)) and method == "PATCH":
        require("issues:write")
        return change(forge, "issues", int(match[1]), fields)
    if (match := re.fullmatch(r"commits/([0-9a-f]{40})/pulls", path)) and method == "GET":
        require("pull-requests:read")
        return [each for each in forge.read("pulls") if each.get("merged") == match[1]]
    if path == "actions/artifacts" and method == "GET":
        require("actions:read")
        return {"artifacts": [each for each in forge.read("artifacts") if each["name"] == query["name"]]}
    if (match := re.fullmatch(r"actions/runs/(\d+)", path)) and method == "GET":
        require("actions:read")
        return next(each for each in forge.read("runs") if each["id"] == int(match[1]))
    sys.exit(f"gh: not understood: {method} {address}")


def change(forge: Forge, name: str, number: int, fields: dict[str, str]) -> dict[str, Any]:
    every = forge.read(name)
    every[number - 1].update(fields)
    forge.write(name, every)
    return every[number - 1]


def main(arguments: list[str]) -> None:
    forge = Forge(Path(os.environ["FORGE"]))
    if arguments == ["auth", "setup-git"]:
        return  # the remote is a folder
    if arguments[:2] == ["pr", "list"]:
        require("pull-requests:read")
        for each in forge.read("proposed"):
            print(each["id"])
        return
    if arguments[:2] == ["pr", "create"]:
        require("pull-requests:write")
        forge.add("proposed", **dict(zip((word[2:] for word in arguments[2::2]), arguments[3::2], strict=True)))
        return
    if arguments[:1] != ["api"]:
        sys.exit(f"gh: not understood: {' '.join(arguments)}")
    method, address, wanted, silent, fields = "GET", "", "", False, {}
    rest = arguments[1:]
    while rest:
        word = rest.pop(0)
        if word == "--method":
            method = rest.pop(0)
        elif word == "--jq":
            wanted = rest.pop(0)
        elif word in ("--field", "--raw-field"):
            key, _, value = rest.pop(0).partition("=")
            fields[key] = Path(value[1:]).read_text() if word == "--field" and value.startswith("@") else value
        elif word == "--silent":
            silent = True
        elif word == "--paginate":
            pass
        elif word.startswith("-") or address:
            sys.exit(f"gh: not understood: {word}")
        else:
            address = word
    answer = api(forge, method, address, fields)
    if wanted:
        for each in FILTERS[wanted](answer):
            print(each)
    elif not silent:
        print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
