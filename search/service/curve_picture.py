"""Curves of settings as a picture (SVG) that is read without a script, in light and dark, wide and narrow."""

from __future__ import annotations

import math
from html import escape

from search.core.shown import is_accuracy, significant
from search.report import design
from search.service.growth import Curve, Growth

WIDE_PX, NARROW_PX = 960, 360
PLOT_PX = 300
"""Height of the plot."""

LEFT_PX, RIGHT_PX, ABOVE_PX, BELOW_PX = 62, 26, 28, 40
LEGEND_LINE_PX = 20
LETTER_PX = 7.2
"""Width of a letter, about: labels that are longer than a line lose their middle."""


def picture(growth: Growth, width: int) -> str:
    """Return a picture of all curves: a thick line for the mean of a setting, a thin one for each of its runs.

    Args:
        growth: of the study.
        width: of the picture, in pixels.
    """
    percent = is_accuracy(growth.metric)
    values = [value for setting in growth.settings for run in setting.runs for _, value in run]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    pad = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    low, high = low - pad, high + pad
    across, last = width - LEFT_PX - RIGHT_PX, max(growth.epochs, 1)

    def x(epoch: float) -> float:
        return round(LEFT_PX + across * epoch / last, 1)

    def y(value: float) -> float:
        return round(ABOVE_PX + PLOT_PX * (high - value) / (high - low), 1)

    def line(curve: Curve, kind: str) -> str:
        if len(curve) == 1:  # a line of one point is not drawn
            return f'<circle class="{kind} point" cx="{x(curve[0][0])}" cy="{y(curve[0][1])}" r="3"/>'
        points = " ".join(f"{x(epoch)},{y(value)}" for epoch, value in curve)
        return f'<polyline class="{kind}" points="{points}"/>' if curve else ""

    parts = [f'<text x="0" y="16" class="quiet">{escape(growth.metric)}{" in %" if percent else ""}</text>']
    for tick in ticks(low, high, 5):
        label = significant(100 * tick if percent else tick)
        parts.append(f'<line class="grid" x1="{LEFT_PX}" x2="{width - RIGHT_PX}" y1="{y(tick)}" y2="{y(tick)}"/>')
        parts.append(f'<text class="quiet" text-anchor="end" x="{LEFT_PX - 8}" y="{y(tick) + 4}">{label}</text>')
    for tick in ticks(0, last, 3 if width < 600 else 6):
        label = f"{tick:,.0f}"
        if tick == int(tick):
            at = f'x="{x(tick)}" y="{ABOVE_PX + PLOT_PX + 18}"'
            parts.append(f'<text class="quiet" text-anchor="middle" {at}>{label}</text>')
    middle, below = LEFT_PX + across / 2, ABOVE_PX + PLOT_PX + 36
    parts.append(f'<text class="quiet" text-anchor="middle" x="{middle:.0f}" y="{below}">epoch</text>')
    for place, setting in enumerate(growth.settings):
        parts += [line(run, f"s{place} run") for run in setting.runs]
    top = ABOVE_PX + PLOT_PX + BELOW_PX + 18
    for place, setting in enumerate(growth.settings):
        parts.append(line(setting.mean, f"s{place} mean"))
        beside, letters = top + place * LEGEND_LINE_PX, int((width - 34) / LETTER_PX)
        parts.append(f'<line class="s{place} mean" x1="4" x2="24" y1="{beside - 4}" y2="{beside - 4}"/>')
        parts.append(f'<text x="32" y="{beside}">{escape(_shortened(setting.label, letters))}</text>')
    height = top + len(growth.settings) * LEGEND_LINE_PX
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<style>{_style()}</style>{''.join(parts)}</svg>"
    )


def described(growth: Growth) -> str:
    """Return in words what the picture shows, for whoever cannot see it."""
    ends = [
        f"{setting.label}: {significant(100 * value if is_accuracy(growth.metric) else value)} at epoch {epoch}"
        for setting in growth.settings
        for epoch, value in setting.mean[-1:]
    ]
    return f"{growth.metric} by epoch. {'; '.join(ends)}" if ends else f"{growth.metric} by epoch: nothing yet"


def shown(growth: Growth, page: str, running: bool) -> dict[str, object]:
    """Return what pages show of how far a study has come; nothing where nothing is on record."""
    if not growth.settings:
        return {}
    more = f"The {len(growth.settings)} best of {len(growth.settings) + growth.more} settings. " if growth.more else ""
    return {
        "curves": f"{page}curves.svg",
        "words": described(growth),
        "note": f"{more}Thick: the mean of a setting's runs that ended, or of all while none has. Thin: its runs.",
        "rungs": "\n".join(growth.rungs),
        "training": "\n".join(growth.training) if running else "",
    }


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most so many round numbers between two, about."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= most)
    first = math.ceil(low / step)
    return [round(place * step, 12) for place in range(first, math.floor(high / step) + 1)]


def _shortened(label: str, letters: int) -> str:
    if len(label) <= letters:
        return label
    half = (letters - 1) // 2
    return f"{label[:half]}…{label[-half:]}"


def _style() -> str:
    def tones(dark: bool) -> str:
        series = " ".join(
            f".s{place} {{ stroke: {tone.dark if dark else tone.light}; }}" for place, tone in enumerate(design.SERIES)
        )
        ink, quiet, rule = (tone.dark if dark else tone.light for tone in (design.INK, design.QUIET, design.RULE))
        return f"text {{ fill: {ink}; }} .quiet {{ fill: {quiet}; }} .grid {{ stroke: {rule}; }} {series}"

    font = design.FONT.replace('"', "'")
    return (
        f"text {{ font: {design.FIGURE_TYPE_PX}px {font}; }} polyline, line, circle {{ fill: none; }} "
        f".mean {{ stroke-width: 2.5; }} .run {{ stroke-width: 1; opacity: .45; }} "
        f"{tones(False)} @media (prefers-color-scheme: dark) {{ {tones(True)} }}"
    )
