"""Benchmarks: how fast the tool itself is. `python -m bench [names…]`, `make bench`; nothing here is a test.

One file is one benchmark. Each measures the thing and what it is compared with side by side in one run, so that a slow
or busy machine moves both; times are medians of several runs of whole processes. Aims stand beside the results and
decide nothing.
"""

from __future__ import annotations
