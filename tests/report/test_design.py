"""The design: what is read has contrast, and colours of settings are told apart by whatever eyes there are."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from search.report import design
from search.report.figures import style

TEXTS = ("text", "quiet", "link", "supported", "contradicted", "undecided")

SIGHTS = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""Linear RGB as eyes without one kind of cone see it: Machado, Oliveira and Fernandes 2009, severity 1."""

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
"""sRGB to XYZ under D65 (IEC 61966-2-1)."""

MIN_DISTANCE = 15
"""In CIELAB, where a difference of about 2 is just seen."""


def linear(colour: str) -> npt.NDArray[np.float64]:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: the ratio of relative luminances."""
    dark, light = sorted(float(linear(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shares = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(shares > 0.008856, np.cbrt(shares), 7.787 * shares + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("scheme", ["light", "dark", "printed"])
def test_contrast_of_every_text_is_at_least_four_and_a_half_to_one(scheme: str) -> None:
    """WCAG 2.2, 1.4.3: each text colour against both grounds; what must be seen has 3 to 1 (1.4.11)."""
    colours = design.PRINTED if scheme == "printed" else {n: getattr(t, scheme) for n, t in design.NAMED.items()}
    for text, ground in itertools.product(TEXTS, ("page", "box")):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["line"], colours["page"]) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_of_settings_are_told_apart(sight: str, scheme: str) -> None:
    seen = [lab(np.array(SIGHTS[sight]) @ linear(getattr(tone, scheme))) for tone in design.SERIES]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) >= MIN_DISTANCE


def test_a_palette_of_equal_lightness_would_fail() -> None:
    """Red and green of one lightness are one colour to deutan eyes: the test above can fail."""
    seen = [lab(np.array(SIGHTS["deutan"]) @ linear(colour)) for colour in ("#b4873c", "#8a9a3c")]
    assert float(np.linalg.norm(seen[0] - seen[1])) < MIN_DISTANCE


def test_on_a_dark_screen_everything_drawn_is_seen() -> None:
    for tone in (*design.SERIES, design.SHAPE, design.FULL, design.FEWER, design.LINE):
        assert contrast(tone.dark, design.PAGE.dark) >= 3, tone


def test_each_light_tone_has_one_dark_partner() -> None:
    """A page changes one for the other by name of the colour alone."""
    assert len(design.DARK) == len({tone.light for tone in design.TONES})
    for light, dark in design.DARK.items():
        assert {tone.dark for tone in design.TONES if tone.light == light} == {dark}


def test_figures_draw_in_the_tones_of_the_design() -> None:
    assert tuple(tone.light for tone in design.SERIES) == style.COLOURS
    assert set(style.COLOURS) & {style.NEUTRAL, style.INK, style.QUIET, style.FAINT, style.PAPER} == set()
    assert {style.NEUTRAL, style.INK, style.QUIET, style.FAINT, style.PAPER} <= set(design.DARK)
    assert style.TEMPLATE.layout.font.family == design.FONT
    assert style.TEMPLATE.layout.paper_bgcolor == design.PAGE.light
