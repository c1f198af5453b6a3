"""The table of the golden values, and section by section formulas written out as loops."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from search.statistics.crossed import Rule, compare
from search.statistics.results import Difference
from search.statistics.scores import Scores

REPORT_A = (10, 6, 4, 6, 10, 4, 4, 7, 10, 7, 10, 5, 4, 8, 10, 8, 6, 6, 8, 4)
"""Class sizes of a published validation set of 137 images."""


def golden(settings: int, seeds: int, images: int = 40) -> np.ndarray:
    """Return y[a, s, i] = ((3i + 5s + 7a + i i (s+1) + a i) mod 11) < 6 + a."""
    a, s, i = np.ogrid[:settings, :seeds, :images]
    return ((3 * i + 5 * s + 7 * a + i * i * (s + 1) + a * i) % 11) < 6 + a


def loops(y: np.ndarray, b: int, a: int) -> dict[str, float]:
    """Return setting b minus setting a of a settings x seeds x images table, by plain loops over plain numbers."""
    settings, seeds, n = y.shape
    d = [[float(y[b, s, i]) - float(y[a, s, i]) for i in range(n)] for s in range(seeds)]
    m = math.fsum(math.fsum(row) for row in d) / (seeds * n)
    r = [math.fsum(row) / n for row in d]
    c = [math.fsum(d[s][i] for s in range(seeds)) / seeds for i in range(n)]
    ms_s = n * math.fsum((x - m) ** 2 for x in r) / (seeds - 1)
    ms_i = seeds * math.fsum((x - m) ** 2 for x in c) / (n - 1)
    ms_r = math.fsum((d[s][i] - r[s] - c[i] + m) ** 2 for s in range(seeds) for i in range(n))
    ms_r /= (seeds - 1) * (n - 1)
    q, f = max(ms_s, ms_r), seeds - 1
    if settings >= 3 and seeds < 8:
        table = [[math.fsum(y[k, s].tolist()) / n for s in range(seeds)] for k in range(settings)]
        of_setting = [math.fsum(row) / seeds for row in table]
        of_seed = [math.fsum(row[s] for row in table) / settings for s in range(seeds)]
        mean = math.fsum(of_setting) / settings
        e = [table[k][s] - of_setting[k] - of_seed[s] + mean for k in range(settings) for s in range(seeds)]
        ms_p = 2 * n * math.fsum(x * x for x in e) / ((settings - 1) * (seeds - 1))
        q, f = max(ms_p, ms_s, ms_r / 2), (settings - 1) * (seeds - 1)
    i = max(ms_i - ms_r, 0)
    v = max((q + i) / (n * seeds), 2 / (seeds * (n + 2) ** 2))
    df = min(max((q + i) ** 2 / (q**2 / f), f), max(n - 1, f)) if q > 1e-20 else f
    half = float(stats.t.ppf(0.975, df)) * math.sqrt(v)
    p = 2 * float(stats.t.sf(abs(m) / math.sqrt(v), df))
    low, high = max(m - half, -1.0), min(m + half, 1.0)
    return {"m": m, "ms_s": ms_s, "ms_i": ms_i, "ms_r": ms_r, "low": low, "high": high, "p": p, "df": df}


def loops_of_cell(y: np.ndarray) -> dict[str, float]:
    """Return the accuracy of a seeds x images table of booleans with its interval, by plain loops."""
    seeds, n = y.shape
    m = math.fsum(y.ravel().tolist()) / (seeds * n)
    r = [math.fsum(row.tolist()) / n for row in y]
    c = [math.fsum(column.tolist()) / seeds for column in y.T]
    ms_s = n * math.fsum((x - m) ** 2 for x in r) / (seeds - 1)
    ms_i = seeds * math.fsum((x - m) ** 2 for x in c) / (n - 1)
    ms_r = math.fsum((y[s, i] - r[s] - c[i] + m) ** 2 for s in range(seeds) for i in range(n))
    ms_r /= (seeds - 1) * (n - 1)
    q, f, i = max(ms_s, ms_r), seeds - 1, max(ms_i - ms_r, 0)
    n_eff = min(max(m * (1 - m) / ((q + i) / (n * seeds)), 2), n * seeds)
    df = min(max((q + i) ** 2 / (q**2 / f), f), max(n - 1, f)) if q > 1e-20 else f
    df = min(df, n - 1)
    t = float(stats.t.ppf(0.975, df))
    centre = (m + t * t / (2 * n_eff)) / (1 + t * t / n_eff)
    half = t * math.sqrt(m * (1 - m) / n_eff + t * t / (4 * n_eff**2)) / (1 + t * t / n_eff)
    return {"low": centre - half, "high": centre + half, "n_eff": n_eff, "df": df}


def difference(scores: Scores, setting: int, baseline: int) -> Difference:
    """Return setting minus baseline, noise pooled over all settings."""
    return compare(scores, [(setting, baseline)], Rule.POOLED)[0]


def differences(scores: Scores, baseline: int) -> list[Difference | None]:
    """Return each setting minus the baseline; None at the baseline's own place."""
    others = [a for a in range(scores.settings) if a != baseline]
    found = dict(zip(others, compare(scores, [(a, baseline) for a in others], Rule.POOLED), strict=True))
    return [found.get(a) for a in range(scores.settings)]
