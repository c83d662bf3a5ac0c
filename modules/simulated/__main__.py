"""Serves a simulated provider to Terraform: `python -m modules.simulated hashicorp/aws STORE`."""

from __future__ import annotations

import sys
from pathlib import Path

from modules.local.plugins.protocol.serve import serve
from modules.simulated.provider import SimulatedProvider

if __name__ == "__main__":
    serve(SimulatedProvider(sys.argv[1], Path(sys.argv[2])))
