"""What a table should say, computed once more from the files of a study alone.

Reads `predictions.parquet` and `trials.csv`; the formulas are written out here for a second time, as plainly as they
are defined, and share no code with the product. y is settings x seeds x images, 1 where an image is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

FINISHED = ("finished", "stopped")
Found = dict[str, float]


@dataclass
class Runs:
    """One split of a study, at one epoch of each run.

    Attributes:
        right: setting -> seed -> per image whether it is right, of finished runs.
        state: setting -> seed -> how the run ended.
        classes: number of classes among the true ones.
        chance: diverged runs that count at chance, as (setting, seed). No case holds a run that did not learn.
    """

    right: dict[str, dict[int, np.ndarray]]
    state: dict[str, dict[int, str]]
    classes: int
    chance: set[tuple[str, int]] = field(default_factory=set)

    def at_chance(self) -> Runs:
        """Diverged runs as finished ones that are right on every image with probability 1 / classes."""
        n = next(len(one) for seeds in self.right.values() for one in seeds.values())
        right = {setting: dict(seeds) for setting, seeds in self.right.items()}
        state = {setting: dict(seeds) for setting, seeds in self.state.items()}
        chance: set[tuple[str, int]] = set()
        for setting, seeds in state.items():
            for seed, ended in seeds.items():
                if ended == "diverged":
                    right[setting][seed] = np.full(n, 1 / self.classes)
                    seeds[seed] = "finished"
                    chance.add((setting, seed))
        return Runs(right, state, self.classes, chance)

    def pruned(self, setting: str) -> bool:
        return "pruned" in self.state[setting].values()


def read(folder: Path, axis: str, split: str, epoch: str) -> Runs:
    """Read a study; `epoch` is the column of `trials.csv` that names the epoch, ``epochs`` or ``best_epoch``."""
    trials = pd.read_csv(folder / "trials.csv", dtype={axis: "str"}).set_index("trial")
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame = frame[(frame["split"] == split) & (frame["epoch"] == frame["trial"].map(trials[epoch]))]
    right: dict[str, dict[int, np.ndarray]] = {}
    state: dict[str, dict[int, str]] = {}
    for number, trial in trials.iterrows():
        state.setdefault(trial[axis], {})[trial["seed"]] = trial["state"]
        right.setdefault(trial[axis], {})
        if trial["state"] in FINISHED:
            own = frame[frame["trial"] == number].sort_values("image")
            right[trial[axis]][trial["seed"]] = (own["truth"] == own["prediction"]).to_numpy(float)
    return Runs(right, state, frame["truth"].nunique())


def squares(y: np.ndarray) -> tuple[float, float, float, float]:
    """Return mean, MS_S, MS_I and MS_R of a seeds x images table."""
    seeds, n = y.shape
    m, r, c = y.mean(), y.mean(axis=1), y.mean(axis=0)
    rest = y - r[:, None] - c[None, :] + m
    return (
        m,
        n * ((r - m) ** 2).sum() / (seeds - 1),
        seeds * ((c - m) ** 2).sum() / (n - 1),
        (rest**2).sum() / ((seeds - 1) * (n - 1)),
    )


def degrees(q: float, i: float, f: float, n: int) -> float:
    return f if q == 0 else min(max((q + i) ** 2 / (q**2 / f), f), max(n - 1, f))


def wilson(m: float, n: float, t: float) -> tuple[float, float]:
    centre, half = m + t**2 / (2 * n), t * math.sqrt(m * (1 - m) / n + t**2 / (4 * n**2))
    return (centre - half) / (1 + t**2 / n), (centre + half) / (1 + t**2 / n)


def cell(runs: Runs, setting: str) -> Found:
    """Return the accuracy of a setting with its interval; {} where there is none."""
    y = np.array(list(runs.right[setting].values()))
    if runs.pruned(setting) or not len(y):
        return {}
    seeds, n = y.shape
    if seeds == 1:
        low, high = stats.binomtest(int(y.sum()), n).proportion_ci(method="wilson")
        return {"mean": y.mean(), "low": low, "high": high}
    m, ms_s, ms_i, ms_r = squares(y)
    q, i = max(ms_s, ms_r), max(ms_i - ms_r, 0)
    n_eff = n if m in (0, 1) else min(max(m * (1 - m) / ((q + i) / (n * seeds)), 2), n * seeds)
    low, high = wilson(m, n_eff, stats.t.ppf(0.975, min(degrees(q, i, seeds - 1, n), n - 1)))
    return {"mean": m, "low": low, "high": high, "sd": y.mean(axis=1).std(ddof=1)}


def difference(runs: Runs, a: str, b: str) -> Found:
    """Return setting a minus setting b on the seeds that both finished; {} where there is none."""
    seeds = [seed for seed in runs.right[a] if seed in runs.right[b]]
    if runs.pruned(a) or runs.pruned(b) or not seeds:
        return {}
    d = np.array([runs.right[a][seed] - runs.right[b][seed] for seed in seeds])
    n = d.shape[1]
    if len(seeds) == 1:
        return single(d[0])
    m, ms_s, ms_i, ms_r = squares(d)
    i = max(ms_i - ms_r, 0)

    def error(q: float, f: float) -> tuple[float, float]:
        v = max((q + i) / (n * len(seeds)), 2 / (len(seeds) * (n + 2) ** 2))
        return math.sqrt(v), degrees(q, i, f, n)

    whole = {name: own for name, own in runs.right.items() if all(seed in own for seed in seeds)}
    t = {name: [own[seed].mean() for seed in seeds] for name, own in whole.items()}
    se, df = error(max(ms_s, ms_r), len(seeds) - 1)
    if len(seeds) == 2 and len(t) >= 3:
        se, df = error(max(2 * n * residuals(t) / (len(t) - 1), ms_s, ms_r / 2), len(t) - 1)
    elif 3 <= len(seeds) <= 7:
        inside, p = pool(t, {name for name, seed in runs.chance if seed in seeds})
        if len(inside) >= 3 and a in inside and b in inside:
            f = (len(inside) - 1) * (len(seeds) - 1)
            se1, df1 = error(max(2 * n * residuals({name: t[name] for name in inside}) / f, ms_r / 2), f)
            noisy = min(p[a], p[b]) < 0.05
            k = 1 if noisy else 1.5 if len(inside) <= 4 else 2
            wide = max(stats.t.ppf(0.975, df1) * se1, stats.t.ppf(1 - 0.025 * k, df) * se)
            df = min(df, df1) if noisy else df1
            se = wide / stats.t.ppf(0.975, df)
    half, half90 = (stats.t.ppf(level, df) * se for level in (0.975, 0.95))
    p = 2 * stats.t.sf(abs(m) / se, df)
    ends = {"low": max(m - half, -1), "high": min(m + half, 1), "low_90": m - half90, "high_90": m + half90}
    return {"m": m, **ends, "p": p, "seeds": len(seeds)}


def residuals(t: Mapping[str, Sequence[float]]) -> float:
    """Return the sum of squares that setting and seed effects leave of run means."""
    y = np.array(list(t.values()))
    return float(((y - y.mean(axis=1, keepdims=True) - y.mean(axis=0, keepdims=True) + y.mean()) ** 2).sum())


def pool(t: Mapping[str, Sequence[float]], lost: set[str]) -> tuple[list[str], dict[str, float]]:
    """Return which settings' noise is pooled, and how likely each one's would be among the rest if all had the same."""
    inside, p = [name for name in t if name not in lost], dict.fromkeys(t, 1.0)
    seeds = len(next(iter(t.values())))
    while len(inside) >= 3:
        whole = residuals({name: t[name] for name in inside})
        for name in inside:
            rest = residuals({other: t[other] for other in inside if other != name})
            if rest > 1e-12 * whole:
                f = (whole - rest) / (rest / (len(inside) - 2))
                p[name] = stats.f.sf(f, seeds - 1, (len(inside) - 2) * (seeds - 1))
        worst = min(inside, key=lambda name: p[name])
        if len(inside) == 3 or p[worst] >= 0.001 / len(inside):
            break
        inside.remove(worst)
    return inside, p


def single(d: np.ndarray) -> Found:
    """Return the difference of two single runs: Bonett and Price, exact McNemar."""
    n, b, c = len(d), int((d > 0).sum()), int((d < 0).sum())
    p1, p2 = (b + 1) / (n + 2), (c + 1) / (n + 2)
    half = stats.norm.ppf(0.975) * math.sqrt((p1 + p2 - (p1 - p2) ** 2) / (n + 2))
    p = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    return {"m": (b - c) / n, "low": p1 - p2 - half, "high": p1 - p2 + half, "p": p, "seeds": 1}


def holm(values: Sequence[float]) -> list[float]:
    """Return adjusted p values: of the sorted ones the running maximum of p_(k) (m - k), at most 1."""
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate([values[place] * (len(values) - k) for k, place in enumerate(order)])
    result = np.empty(len(values))
    result[order] = np.minimum(stepped, 1)
    return result.tolist()


def table(runs: Runs, baseline: str) -> dict[str, Found]:
    """Return setting -> what its line should say: cell, difference, p, Holm-adjusted p, and bold (1 or 0)."""
    found = {a: difference(runs, a, baseline) for a in runs.right if a != baseline}
    tested = [a for a, one in found.items() if one]
    adjusted = dict(zip(tested, holm([found[a]["p"] for a in tested]), strict=True))
    lines = {a: cell(runs, a) for a in runs.right}
    for a in tested:
        one, p = found[a], adjusted[a]
        diverged = "diverged" in [*runs.state[a].values(), *runs.state[baseline].values()]
        bold = one["seeds"] >= 3 and p <= 0.05 and one["m"] > 0 and not diverged
        difference_of = {f"difference{end}": one[key] for key, end in (("m", ""), ("low", "_low"), ("high", "_high"))}
        lines[a] |= {**difference_of, "p": one["p"], "p_holm": p, "better": float(bold)}
    return lines


Claim = Mapping[str, object]


def verdicts(runs: Runs, claims: Sequence[Claim]) -> list[tuple[str, Found]]:
    """Return each claim's verdict and figures; diverged runs count at chance, three seeds decide."""
    runs = runs.at_chance()
    of_better = [difference(runs, *map(str, claim["better"])) for claim in claims if "better" in claim]
    tested = [one["p"] for one in of_better if one.get("seeds", 0) >= 3]
    adjusted = iter(holm(tested))
    result = []
    for claim in claims:
        if "best" in claim:
            result.append(best(runs, str(claim["best"])))
            continue
        a, b = map(str, claim.get("better") or claim["equal"])
        one = difference(runs, a, b)
        if one.get("seeds", 0) < 3:
            result.append(("undecided", one))
        elif "better" in claim:
            result.append(better({**one, "p_adjusted": next(adjusted)}, claim.get("by")))
        else:
            result.append(equal(one, claim["within"]))
    return result


def better(one: Found, by: float | None) -> tuple[str, Found]:
    clear = one["p_adjusted"] <= 0.05
    if clear and one["m"] > 0 and (by is None or one["low"] > by):
        return "supported", one
    if (clear and one["m"] < 0) or (by is not None and one["high"] < by):
        return "contradicted", one
    return "undecided", one


def equal(one: Found, within: float) -> tuple[str, Found]:
    if -within < one["low_90"] and one["high_90"] < within:
        return "supported", one
    return ("contradicted" if one["low"] > within or one["high"] < -within else "undecided"), one


def best(runs: Runs, a: str) -> tuple[str, Found]:
    others = [difference(runs, a, b) for b in runs.right if b != a]
    if any(one.get("seeds", 0) < 3 for one in others):
        others = [one for one in others if one.get("seeds", 0) >= 3]
        beaten = any(p <= 0.05 and one["m"] < 0 for p, one in zip(holm([o["p"] for o in others]), others, strict=True))
        return "contradicted" if beaten else "undecided", {}
    figures = {"p_largest": max(one["p"] for one in others)}
    if all(one["p"] <= 0.05 and one["m"] > 0 for one in others):
        return "supported", figures
    adjusted = holm([one["p"] for one in others])
    beaten = any(p <= 0.05 and one["m"] < 0 for p, one in zip(adjusted, others, strict=True))
    return "contradicted" if beaten else "undecided", figures
