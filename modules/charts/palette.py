"""The page's colours: eight for series, in a light and a dark set, and the ink, lines and grounds around them.

Each series colour has at least 4.5:1 contrast with its card in both themes, since names are written in it (WCAG 2.2
asks 3:1 of graphics), and the first four stay apart for the three kinds of colour blindness;
`tests/charts/test_palette.py` computes both. Charts never say something by colour alone: lines are dashed and named,
bars are named and separated.
"""

from __future__ import annotations

__all__ = ["DARK", "LIGHT", "SERIES", "variables"]

SERIES = tuple(f"c{number}" for number in range(1, 9))

LIGHT = {
    "ground": "#f6f7f9",
    "card": "#ffffff",
    "ink": "#16191d",
    "soft": "#56606c",
    "line": "#d9dde3",
    "rule": "#e8ebef",
    "good": "#176b45",
    "warn": "#8a5a00",
    "bad": "#b3261e",
    "c1": "#1c4596",
    "c2": "#c04b08",
    "c3": "#12836f",
    "c4": "#a355bb",
    "c5": "#8c6d00",
    "c6": "#c22f6d",
    "c7": "#4d7a1f",
    "c8": "#6b7682",
}

DARK = {
    "ground": "#0f1215",
    "card": "#171b20",
    "ink": "#eceff2",
    "soft": "#a3adb8",
    "line": "#333b45",
    "rule": "#262d35",
    "good": "#5fd39b",
    "warn": "#f0b952",
    "bad": "#ff8f85",
    "c1": "#4a8cf7",
    "c2": "#f0873f",
    "c3": "#4fd9b8",
    "c4": "#cfa3ee",
    "c5": "#e0bf45",
    "c6": "#ff85b3",
    "c7": "#9fd163",
    "c8": "#98a4b1",
}


def variables(colours: dict[str, str]) -> str:
    """As CSS custom properties."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
