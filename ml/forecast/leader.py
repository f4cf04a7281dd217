"""Who leads: every member on trial over the same past weeks, the best of those that do not lean to one side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ml.forecast import effects, groups, level
from ml.forecast.config import ForecastConfig
from ml.forecast.intervals import Bands, lumps, untried
from ml.forecast.level import Chosen, Lead, Record
from ml.forecast.member import MEMBERS, forecaster
from ml.forecast.model import ForecastModel
from ml.forecast.stockouts import uncensored
from ml.forecast.validation import (
    KINDS,
    Trial,
    bands_of,
    product_figures,
    put_on_trial,
    shop_figures,
    stages,
    trial_days,
)
from ml.frames import HORIZON, WINDOW
from ml.sales import DailySales, listed

FLOOR = "naive"
QUIET = "tsb"
"""Leads where there are too few orders to compare models: last week again is chance when a week has three orders."""
NOISE = 0.05
"""A member may lean this much more than naive before its bias counts against it: both see the same odd month."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """A model, why its member leads, and what it was measured to do."""

    model: ForecastModel
    because: str
    metrics: dict[str, Any]


def fit_forecast(sales: DailySales, config: ForecastConfig, seed: int, say: Say) -> Fitted:
    """The model to serve: members compared on past weeks, the best one fitted on everything known."""
    sales, signals = effects.chosen(uncensored(sales), say)
    moved = effects.learned(sales)
    usual = effects.removed(sales, moved)
    total = level.choose(usual, () if _too_little(sales, config) else config.totals, seed, say)
    trials, settled = _trials(sales, config, seed, say, total)
    leader, because = _without_choice(trials, settled) if settled else choose(trials, config)
    say(because if settled else f"{leader} leads: {because}")
    if trials:
        say(total.because)
    say(f"fitting {leader} on {len(sales.series)} products, {sales.days} days")
    member = forecaster(leader).fit(usual, config, seed)
    otherwise = {days: untried(days, lumps(usual.units)) for _, days in KINDS}
    bands = {kind: otherwise[days] for kind, days in KINDS}
    if leader in trials:
        bands = bands_of(trials[leader], otherwise)
    if not member.is_scaled:
        total = _summed(usual)
    days, quantile = config.sold_within_days, config.cap_quantile
    ranges = groups.type_bands(usual), groups.collection_bands(usual)
    model = ForecastModel(member, bands, days, quantile, moved, total.lead, *ranges)
    told = figures(sales, trials, leader, total, otherwise, level.track_record(usual, HORIZON, Lead(level.NAIVE)))
    lineage = {"signals": signals, "promotions": {"sha256": sales.plan_sha256} if sales.plan_sha256 else None}
    return Fitted(model, because, {**told, **{name: given for name, given in lineage.items() if given is not None}})


def _summed(sales: DailySales) -> Chosen:
    """The total of a member that is served as it is: the naive one, so that its total is last week's, too."""
    lead = Lead(level.NAIVE)
    record = level.track_record(sales, HORIZON, lead)
    return Chosen(
        replace(lead, points=level.points_of(record, sales)), "the total is the sum of the products", record, {}
    )


def _without_choice(trials: dict[str, Trial], settled: str) -> tuple[str, str]:
    """Who leads when models cannot be compared, and the reason in words."""
    leader = QUIET if QUIET in trials else FLOOR
    return leader, f"{leader} leads: {settled}"


def choose(trials: dict[str, Trial], config: ForecastConfig) -> tuple[str, str]:
    """The member with the lowest error among those within the bias gate, and the reason in words.

    A lean is forgiven to a member whose weeks of the whole shop were nearer than naive's all the same: with a total of
    its own, a member leans because the shop rose or fell, and naive would be no way out.
    """
    naive = trials[FLOOR]
    most = max(config.most_bias, abs(naive.bias) + NOISE)
    upright = [
        name
        for name, trial in trials.items()
        if name in config.members and (abs(trial.bias) <= most or trial.shop_error < naive.shop_error)
    ] or [FLOOR]
    best = min(upright, key=lambda name: (trials[name].error, MEMBERS.index(name)))
    told = ", ".join(f"{name} {trial.error:.3f} (bias {trial.bias:+.0%})" for name, trial in trials.items())
    gate = f"|bias| up to {most:.0%}, or a better total than naive's"
    return best, f"lowest error per product over the last {_span(naive)} weeks with {gate}: {told}"


def figures(
    sales: DailySales,
    trials: dict[str, Trial],
    leader: str,
    total: Chosen,
    otherwise: Mapping[int, Bands],
    naive: Record,
) -> dict[str, Any]:
    """The validated figures of the leaders beside those of naive; None where the history cannot tell.

    otherwise: bands by length in days, where errors are too few. naive: its record of the total. `lineage` holds the
    error and bias of each member on trial, and the error of each view of the total.
    """
    trial = trials.get(leader)
    windows = {"product_week": WINDOW, "product_28d": HORIZON}
    shops = {"store_week": WINDOW, "store_28d": HORIZON}
    return {
        **{
            name: trial and product_figures(trial, trials[FLOOR], days, otherwise[days])
            for name, days in windows.items()
        },
        **{name: shop_figures(total.record, naive, days, level.untried(sales, days)) for name, days in shops.items()},
        "trial_days": trial and trial_days(sales, trial, trials[FLOOR]),
        "lineage": {
            "products": {name: {"error": tried.error, "bias": tried.bias} for name, tried in trials.items()},
            "total": dict(total.lineage),
            "total_leader": total.lead.view,
            "total_because": total.because,
        },
        "n_products": len(sales.series),
        "n_orders": sales.orders,
        "n_days": sales.days,
        "refused": dict(sales.refused),
    }


def _trials(
    sales: DailySales, config: ForecastConfig, seed: int, say: Say, total: Chosen
) -> tuple[dict[str, Trial], str]:
    """Every member's trial that could be held, and why they are not compared if that is settled beforehand."""
    if sales.refused:
        say(f"left out {len(sales.refused)} products: {listed(sales.refused)}")
    because = _too_little(sales, config)
    trials: dict[str, Trial] = {}
    on = stages(sales, config, total.record)
    few = (FLOOR,) if sales.days < config.min_days else (FLOOR, QUIET)
    for name in few if because else dict.fromkeys((FLOOR, *config.members)):
        if not on:
            break
        say(f"trying {name} on the last {HORIZON} days and before")
        trial = put_on_trial(name, sales, on, config, seed)
        if isinstance(trial, Trial) and trial.shop.sum() > 0 and sum(a.sum() for a in trial.actual) > 0:
            trials[name] = trial
        elif name == FLOOR:
            return {}, "nothing was sold in the weeks that models are compared on"
        else:
            say(f"{name} takes no part: {trial if isinstance(trial, str) else 'nothing sold'}")
    return trials, because or ("" if trials else f"{sales.days} days of history are too few to compare models")


def _too_little(sales: DailySales, config: ForecastConfig) -> str:
    """Why no model can be told from another yet; empty when there is enough history."""
    if sales.days < config.min_days:
        return f"{sales.days} days of history, {config.min_days} are needed to compare models"
    if 0 < sales.orders < config.min_orders:
        return f"{sales.orders} orders, {config.min_orders} are needed to compare models"
    return ""


def _span(trial: Trial) -> int:
    return len(trial.forecast) * HORIZON // WINDOW
