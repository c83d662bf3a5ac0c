"""The palette can be told apart: contrast in both themes (WCAG 2.2), and with each kind of colour blindness."""

from __future__ import annotations

from itertools import combinations

import pytest

from modules.charts.palette import DARK, LIGHT, SERIES

THEMES = {"light": LIGHT, "dark": DARK}

# Machado, Oliveira, Fernandes 2009, severity 1.0; rows of a matrix on linear RGB.
BLINDNESS = {
    "none": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> tuple[float, float, float]:
    """sRGB as `#rrggbb` to linear light."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, blindness: str) -> tuple[float, float, float]:
    """Where a colour is in OKLab for someone with this blindness."""
    light = linear(colour)
    matrix = BLINDNESS[blindness]
    r, g, b = (min(1.0, max(0.0, sum(w * c for w, c in zip(row, light, strict=True)))) for row in matrix)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def distance(one: str, other: str, blindness: str) -> float:
    pairs = zip(seen(one, blindness), seen(other, blindness), strict=True)
    return float(sum((left - right) ** 2 for left, right in pairs) ** 0.5)


def test_contrast_is_what_wcag_says_it_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_a_contrast_of_four_and_a_half_on_cards_and_on_the_ground(theme: str) -> None:
    colours = THEMES[theme]
    for name in ("ink", "soft", "good", "warn", "bad"):
        for under in ("card", "ground"):
            assert contrast(colours[name], colours[under]) >= 4.5, (name, under)


@pytest.mark.parametrize("theme", THEMES)
def test_series_stand_out_from_their_card_and_may_be_written_in_their_colour(theme: str) -> None:
    for name in SERIES:
        assert contrast(THEMES[theme][name], THEMES[theme]["card"]) >= 4.5, name


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_first_four_series_stay_apart_for_the_colour_blind(theme: str, blindness: str) -> None:
    colours = THEMES[theme]
    for one, other in combinations(SERIES[:3], 2):
        assert distance(colours[one], colours[other], blindness) >= 0.12, (one, other)
    for one, other in combinations(SERIES[:4], 2):
        assert distance(colours[one], colours[other], blindness) >= 0.085, (one, other)


def test_both_themes_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()
