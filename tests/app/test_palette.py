"""The colours of the stylesheet, in both schemes, stand out enough (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from app.web.assets import FOLDER

CSS = (FOLDER / "signet.css").read_text()
TEXT, EDGE = 4.5, 3.0
# (colour, what it lies on, least contrast)
PAIRS = [
    ("ink", "paper", TEXT),
    ("ink", "surface", TEXT),
    ("ink", "danger-paper", TEXT),
    ("soft", "paper", TEXT),
    ("soft", "surface", TEXT),
    ("accent", "paper", TEXT),
    ("accent", "surface", TEXT),
    ("accent-strong", "paper", TEXT),
    ("accent-strong", "surface", TEXT),
    ("accent-strong", "note-paper", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-strong", TEXT),
    ("surface", "danger", TEXT),
    ("surface", "danger-strong", TEXT),
    ("danger", "paper", TEXT),
    ("danger", "surface", TEXT),
    ("danger", "danger-paper", TEXT),
    ("danger-strong", "surface", TEXT),
    ("done", "done-paper", TEXT),
    ("note", "note-paper", TEXT),
    ("note", "surface", TEXT),
    ("accent", "note-paper", TEXT),
    ("edge", "surface", EDGE),
    ("edge", "paper", EDGE),
    ("accent", "danger-paper", EDGE),
]


def palette(block: str) -> dict[str, str]:
    """Return the custom properties of one :root block."""
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


ROOTS = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
SCHEMES = {"light": palette(ROOTS[0]), "dark": palette(ROOTS[0]) | palette(ROOTS[1])}


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2, definitions)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("colour", "ground", "least"), PAIRS, ids=[f"{a} on {b}" for a, b, _ in PAIRS])
def test_a_colour_stands_out(scheme: str, colour: str, ground: str, least: float) -> None:
    colours = SCHEMES[scheme]
    assert contrast(colours[colour], colours[ground]) >= least


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_both_schemes_name_the_same_colours() -> None:
    assert palette(ROOTS[0]).keys() == palette(ROOTS[1]).keys()


def test_no_colour_is_written_outside_the_palettes() -> None:
    rest = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rest) == []


def test_the_colour_of_the_browsers_bar_is_that_of_the_page() -> None:
    base = (FOLDER.parent / "templates" / "base.html").read_text()
    assert re.findall(r'name="theme-color" content="(#[0-9a-f]{6})"', base) == [
        SCHEMES["light"]["paper"],
        SCHEMES["dark"]["paper"],
    ]
