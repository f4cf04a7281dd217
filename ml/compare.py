"""Is one version worse, as good, or better than another? Paired rules; no data is never a pass.

Two versions are compared on the very same days or orders, so that a hard week or a new season is hard for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ml.sales import Floats
from ml.tallies import RunningErrors, Tally, running_errors, tally, tally_windows

__all__ = [
    "PairedTest",
    "Retained",
    "RunningErrors",
    "Tally",
    "Verdict",
    "Worse",
    "better",
    "confidence_sequence",
    "not_inferior",
    "paired_days",
    "relative_error",
    "retained_quality",
    "running_errors",
    "spread_of_weeks",
    "tally",
    "tally_windows",
    "worse",
]

TARGET = 0.92
MUCH, MUCH_FROM = 1.5, 2
SOME, SOME_FROM, SOME_DAYS, SOME_OF = 1.1, 7, 5, 7
MOST_BIAS = 0.15
CHANCE = 0.3
"""Times the concentration of sales: by how much errors of equally good versions may differ.

Where the errors of two versions differ by up to s of each product's units, now in favour of one and now of the other,
their sums differ by s x the concentration (one standard deviation). On real orders versions fitted a week apart
differed by .2 of a product's units.
"""
TUNED_FOR = 2000
"""Orders at which the confidence sequence is tightest."""
FIRST_LOOK = 100
"""Orders before a confidence sequence, which is an asymptotic one, is looked at."""
LONG_BLOCK, SHORT_BLOCK, LONG_FROM = 14, 7, 28
MIN_DAYS = 3 * SHORT_BLOCK


class Verdict(StrEnum):
    """What a gate says; inconclusive keeps the champion."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Worse:
    """Whether the champion is worse than its predecessor would have been, by which rule, with the figures in words."""

    is_worse: bool
    rule: str
    told: str


@dataclass(frozen=True)
class PairedTest:
    """A paired comparison. ratio: challenger's mean error over champion's; p: one-sided; n: days."""

    verdict: Verdict
    ratio: float | None
    statistic: float | None
    p: float | None
    n: int
    told: str


@dataclass(frozen=True)
class Retained:
    """Retained quality: champion's hits over those of a fresh refit on the same orders, against the target.

    low, high: bounds of `champion - target x reference` per order that hold at every look at once.
    """

    verdict: Verdict
    ratio: float | None
    low: float | None
    high: float | None
    n: int


def worse(champion: RunningErrors, previous: RunningErrors, days: int | None = None) -> Worse:
    """Whether a champion should give way to its predecessor after `days` matured days (all given, by default).

    Both are of `running_errors`, on the same actuals. Rules: error over 1.5 x the predecessor's from day 2; over 1.1 x
    on 5 of the last 7 days from day 7; shop bias over 15 % and 1.5 x the predecessor's from day 7; each of them only
    where the difference is more than chance. A shift in demand hits both alike and is no reason to roll back.
    """
    mine, theirs = _paired(champion.error, previous.error, days)
    chance = CHANCE * _paired(champion.concentration, previous.concentration, days)[0]
    n = len(mine)
    surely = mine - theirs > chance
    told = f"error {mine[-1]:.2f} against {theirs[-1]:.2f} after {n} days" if n else "no matured day yet"
    if n >= MUCH_FROM and surely[-1] and mine[-1] > MUCH * theirs[-1]:
        return Worse(True, "much", f"{told}, over {MUCH} x")
    lost = int((surely & (mine > SOME * theirs))[-SOME_OF:].sum())
    if n >= SOME_FROM and lost >= SOME_DAYS:
        told = f"error over {SOME} x on {lost} of the last {SOME_OF} days, {mine[-1]:.2f} against {theirs[-1]:.2f}"
        return Worse(True, "steady", told)
    if n >= SOME_FROM:
        leans, leant = (abs(float(part[-1])) for part in _paired(champion.bias, previous.bias, days))
        if leans > max(MOST_BIAS, MUCH * leant, leant + chance[-1]):
            return Worse(True, "bias", f"shop bias {leans:.0%} against {leant:.0%} after {n} days")
    return Worse(False, "none", told)


def not_inferior(
    champion_errors: ArrayLike, challenger_errors: ArrayLike, margin: float = 0.05, alpha: float = 0.05
) -> PairedTest:
    """The gate of the refresh route: is the challenger's error surely less than `margin` above the champion's?

    errors: one per day, paired, in order; of 7-day sums, as in `paired_days`. Fails when the challenger is surely
    worse than the champion by more than the margin.
    """
    mine, theirs = _paired(champion_errors, challenger_errors, None)
    above = theirs - (1 + margin) * mine
    return _judged(mine, theirs, above, alpha, f"within {margin:.0%}")


def better(
    champion_errors: ArrayLike, challenger_errors: ArrayLike, gain: float = 0.02, alpha: float = 0.01
) -> PairedTest:
    """The gate of the change route: is the challenger surely better, and by at least `gain` in the mean?"""
    mine, theirs = _paired(champion_errors, challenger_errors, None)
    test = _judged(mine, theirs, theirs - mine, alpha, "better")
    if test.verdict is Verdict.PASS and test.ratio is not None and test.ratio > 1 - gain:
        told = f"{test.told}, but less than {gain:.0%} better"
        return PairedTest(Verdict.INCONCLUSIVE, test.ratio, test.statistic, test.p, test.n, told)
    return test


def paired_days(champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Errors of two versions on the days that both were tried on, from the metrics in their bundles; may be empty.

    In both trials each day was forecast by a model that had not seen it, so the days are fair to either.
    """
    first, second = (_by_day(metrics.get("trial_days")) for metrics in (champion, challenger))
    both = sorted(set(first) & set(second))
    return np.array([first[day] for day in both]), np.array([second[day] for day in both])


def relative_error(metrics: Mapping[str, Any]) -> tuple[float, float] | None:
    """A version's error over that of the naive guess on its own trial days, and the standard error of that.

    From the metrics in its bundle. None when it was not tried on two weeks at least. Weeks are the independent pieces.

    Source: Cochran (1977), "Sampling techniques", on ratio estimates.
    """
    trial = metrics.get("trial_days") or {}
    mine, naive = (np.asarray(trial.get(name, ()), np.float64) for name in ("error", "naive_error"))
    weeks = len(mine) // SHORT_BLOCK
    if weeks < 2 or naive.sum() <= 0:
        return None
    mine, naive = (part[-weeks * SHORT_BLOCK :].reshape(weeks, SHORT_BLOCK).sum(axis=1) for part in (mine, naive))
    ratio = mine.sum() / naive.sum()
    spread = np.sqrt(weeks / (weeks - 1) * ((mine - ratio * naive) ** 2).sum())
    return float(ratio), float(spread / naive.sum())


def spread_of_weeks(metrics: Mapping[str, Any]) -> float:
    """By how much a version's accuracy per product differed from week to week on trial: a standard deviation.

    From the metrics in its bundle; 0 when it was not tried on two weeks at least.
    """
    trial, validated = (metrics.get(name) or {} for name in ("trial_days", "product_week"))
    weeks = np.asarray(trial.get("error", ()), np.float64)[::SHORT_BLOCK]
    if len(weeks) < 2 or weeks.sum() <= 0 or "accuracy" not in validated:
        return 0.0
    return float((1 - validated["accuracy"]) * weeks.std(ddof=1) / weeks.mean())


def confidence_sequence(d: ArrayLike, alpha: float = 0.05) -> tuple[float, float]:
    """Mean of the differences and a half-width that holds at every look at once, however often one looks.

    d: one value per order, in order of arrival. With no value the mean is 0 and the half-width infinite.

    Source: normal-mixture asymptotic confidence sequence, Waudby-Smith et al. (2024), "Time-uniform central limit
    theory and asymptotic confidence sequences".
    """
    values = np.asarray(d, dtype=np.float64)
    n = len(values)
    if n == 0:
        return 0.0, float("inf")
    r = 2 * np.log(1 / alpha) / TUNED_FOR
    width = np.sqrt(values.var()) * np.sqrt(2 * (n * r + 1) / (n**2 * r) * np.log(np.sqrt(n * r + 1) / alpha))
    return float(values.mean()), float(width)


def retained_quality(
    champion: ArrayLike, reference: ArrayLike, target: float = TARGET, alpha: float = 0.05
) -> Retained:
    """Whether published lists still keep `target` of the hits of lists fitted afresh, order by order.

    champion, reference: hits of `ml.recommend.replay.hits` on the same orders. Fails only when they surely do not;
    passes only when they surely do; everything else is inconclusive, as are fewer than 100 orders.
    """
    mine, fresh = np.asarray(champion, np.float64), np.asarray(reference, np.float64)
    if mine.shape != fresh.shape:
        raise ValueError(f"not paired: {mine.shape} and {fresh.shape}")
    ratio = float(mine.sum() / fresh.sum()) if fresh.sum() > 0 else None
    mean, half = confidence_sequence(mine - target * fresh, alpha)
    n = len(mine)
    # Without a single hit there is no spread either, and nothing to retain.
    if n < FIRST_LOOK or ratio is None:
        return Retained(Verdict.INCONCLUSIVE, ratio, None, None, n)
    low, high = mean - half, mean + half
    verdict = Verdict.FAIL if high < 0 else Verdict.PASS if low > 0 else Verdict.INCONCLUSIVE
    return Retained(verdict, ratio, low, high, n)


def _judged(mine: Floats, theirs: Floats, above: Floats, alpha: float, claim: str) -> PairedTest:
    """The verdict on the claim that `above` is below zero on average."""
    n = len(above)
    ratio = float(theirs.mean() / mine.mean()) if n and mine.mean() > 0 else None
    if n < MIN_DAYS or ratio is None:
        return PairedTest(Verdict.INCONCLUSIVE, ratio, None, None, n, f"{n} paired days, {MIN_DAYS} are needed")
    statistic, p = _below_zero(above)
    verdict = Verdict.PASS if p < alpha else Verdict.FAIL if p > 1 - alpha else Verdict.INCONCLUSIVE
    told = f"error {ratio:.3f} x the champion's over {n} paired days, {claim}: p = {p:.3g}"
    return PairedTest(verdict, ratio, statistic, p, n, told)


def _below_zero(d: Floats) -> tuple[float, float]:
    """Statistic and one-sided p that the mean of `d` is below zero: a t-test on means of blocks of days.

    Neighbouring days share most of their seven-day sums, so days are no independent evidence. On such series a
    nominal .05 / .01 was measured as .062 / .013 with blocks of 14 days, and as .098 / .035 with the Diebold-Mariano
    statistic and Bartlett weights (.068 / .023 with rectangular ones), the usual small-sample factor included.
    Under four weeks blocks are of a week, which are a little too sure of themselves (.07 to .11 / .015 to .03, as they
    were up to eight weeks: .07 to .15 / .014 to .05); with four to eight weeks .05 to .08 / .01 to .015.

    Source: Ibragimov & Müller (2010), "t-statistic based correlation and heterogeneity robust inference".
    """
    from scipy import stats

    length = LONG_BLOCK if len(d) >= LONG_FROM else SHORT_BLOCK
    blocks = len(d) // length
    means = d[len(d) - blocks * length :].reshape(blocks, length).mean(axis=1)
    error = means.std(ddof=1) / np.sqrt(blocks)
    if error <= 1e-9 * abs(means.mean()) or error == 0:
        # Not a hair of spread: the sign is the answer.
        return float(np.sign(means.mean()) * np.inf) if means.mean() else 0.0, 0.5 + 0.5 * float(np.sign(means.mean()))
    statistic = float(means.mean() / error)
    return statistic, float(stats.t.cdf(statistic, blocks - 1))


def _paired(first: ArrayLike, second: ArrayLike, days: int | None) -> tuple[Floats, Floats]:
    """Both as arrays of the same length, the first `days` of them, without days on which either is unknown."""
    one, two = np.asarray(first, np.float64)[:days], np.asarray(second, np.float64)[:days]
    if one.shape != two.shape or one.ndim != 1:
        raise ValueError(f"not paired: {one.shape} and {two.shape}")
    known = np.isfinite(one) & np.isfinite(two)
    return one[known], two[known]


def _by_day(trial: Mapping[str, Any] | None) -> dict[date, float]:
    if not trial:
        return {}
    first = date.fromisoformat(trial["first_on"])
    errors: Sequence[float] = trial["error"]
    return {first + timedelta(days=k): float(error) for k, error in enumerate(errors)}
