"""Reading prices anew from where vendors keep them, and laying them over the book as a dated overlay.

    AWS's price list (its API, or a downloaded offer file) ─┐
    `confluent billing price list -o json`                  ├─► Found ─► compare ─► Change ─► overlay file
    a Snowflake credit's price, as told                     ─┘

Which record of a vendor is which item of the book is data: `aws.yaml`, `confluent.yaml`. Nothing is taken that moved
further than anyone would believe, unless that is asked for. Only `aws_api.py` uses the network.
"""

from __future__ import annotations

from modules.cost.refresh.changes import Change, Refreshed, compare
from modules.cost.refresh.found import Found, Problem
from modules.cost.refresh.write import earlier, overlay_text, write_overlay

__all__ = ["Change", "Found", "Problem", "Refreshed", "compare", "earlier", "overlay_text", "write_overlay"]
