"""Runs one hook in a process of its own: the plan comes in on stdin, findings or what went wrong go out on stdout.

A program, not a module to import: `python -I hook_child.py FILE FUNCTION`. It imports nothing of this project, so that
a hook sees Python and what is installed, and nothing of the process that asks. Whatever the hook prints goes to stderr.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path


def _place(error: BaseException, file: str) -> int | None:
    """The last line of the hook's own file that the error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    return lines[-1] if lines else None


def _plain(item: object) -> object:
    """A finding as a mapping: what has attributes (a dataclass) is read by them."""
    if isinstance(item, dict):
        return item
    names = ("id", "severity", "address", "stack", "message", "fix")
    given = {name: getattr(item, name) for name in names if hasattr(item, name)}
    return given or repr(item)[:200]


def main(file: str, function: str) -> dict[str, object]:
    """What came of it: `findings`, or `problem` with `line`."""
    given = json.load(sys.stdin)
    sys.path.insert(0, str(Path(file).parent))
    line = None
    try:
        spec = importlib.util.spec_from_file_location("infra_hook", file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["infra_hook"] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        hook = getattr(module, function, None)
        if not callable(hook):
            return {"problem": f"has no function `{function}`", "line": None}
        line = getattr(getattr(hook, "__code__", None), "co_firstlineno", None)
        found = hook(given["plan"], given["environment"])
        if found is None or isinstance(found, (str, bytes, dict, bool, int, float)):
            return {"problem": f"`{function}` gave {_kind(found)}, not a list of findings", "line": line}
        return {"findings": [_plain(item) for item in found], "line": line}
    except BaseException as error:
        text = " ".join(str(error).split())[:300]
        what = f"`{function}` raised {type(error).__name__}" + (f": {text}" if text else "")
        return {"problem": what, "line": _place(error, file) or line}


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


if __name__ == "__main__":
    answer = os.dup(1)
    os.dup2(2, 1)  # the hook's own prints must not get into the answer
    result = main(sys.argv[1], sys.argv[2])
    with os.fdopen(answer, "w", encoding="utf-8") as out:
        json.dump(result, out, default=repr)
    os._exit(0)  # a thread that the hook left behind does not keep it alive
