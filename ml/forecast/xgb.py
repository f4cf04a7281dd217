"""Gradient-boosted trees for the whole shop: direct, Tweedie, the week ahead as a feature.

It forecasts units per open day of each week ahead, as a factor on the series' recent level, and spreads each week over
its days. Weeks instead of days make the target seven times less noisy and the fit and the prediction seven times
cheaper. Nothing is fed back into it, so that errors cannot run away.

Two boosters learn from a sample of rows each, and the forecast is their geometric mean: what one of them owes to its
sample, and would be gone after the next fit, counts half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calendars import open_days
from ml.errors import BadBundle, BadData
from ml.explain import PARTS
from ml.features import SalesFeatures
from ml.forecast.bulk import capped
from ml.forecast.config import ForecastConfig
from ml.forecast.launch import launches
from ml.forecast.weekshape import day_shares
from ml.frames import HORIZON, WINDOW
from ml.sales import Bools, DailySales, Floats, Ints, in_chunks

if TYPE_CHECKING:
    import xgboost

FILES = ("model.ubj", "model-2.ubj")
"""One per booster. A second one took the error per product and week from .660 to .657 on eight origins from February to
July 2011 (less on each) and from .6300 to .6297 on five of the autumn before; a third brought .0005 more."""
WEEKS = HORIZON // WINDOW
SPAN = 364
"""Origins of training rows reach back a year, so that every season is seen once."""
NO_PROMOTIONS, PAST, PLANNED = "none", "past", "planned"
MIN_KNOWN = 28
MIN_ROWS = 300
MIN_AGE = 14
MOST_LEARNED = 8_000
"""Series that a fit looks at; a larger catalogue is sampled, since the rows to learn from are bounded anyway."""
PARAMETERS: dict[str, Any] = {
    "objective": "reg:tweedie",
    "tweedie_variance_power": 1.5,
    "max_depth": 0,
    "grow_policy": "lossguide",
    "tree_method": "hist",
    "max_bin": 64,
    "min_child_weight": 20,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "reg_lambda": 1.0,
    # One thread: with two on busy cores the same fit was measured to burn many times the CPU.
    "nthread": 1,
    "verbosity": 0,
}


@dataclass(frozen=True)
class Boosted:
    """A fitted model. `models` are its boosters in UBJSON; they are parsed from it once."""

    models: tuple[bytes, ...]
    boosters: tuple[xgboost.Booster, ...]
    cap_quantile: float
    name: str = "xgb"
    is_scaled: bool = True

    def daily(self, sales: DailySales, rows: Ints, horizon: int) -> Floats:
        """Mean units of each day ahead, float64 [len(rows), horizon]."""
        weeks = -(-horizon // WINDOW)
        is_open = open_days(sales.total, sales.first_on, weeks * WINDOW, sales.country)
        opened = is_open[sales.days :].reshape(weeks, WINDOW).sum(axis=1)
        new = launches(sales, is_open)
        daily = np.zeros((len(rows), weeks * WINDOW))
        for place in in_chunks(np.arange(len(rows))):
            part = rows[place]
            usual = capped(self._as_learned(sales.rows(part)), self.cap_quantile)
            rates = self._rates(SalesFeatures(usual, is_open, sales.total), weeks)
            weekly = rates * np.exp(new.logs(part, rates)) * opened
            daily[place] = np.repeat(weekly, WINDOW, axis=1) * day_shares(usual, is_open, sales.total)
        return daily[:, :horizon]

    def reasons(self, sales: DailySales, rows: Ints, weeks: int) -> Floats:
        """Logs of the factors by which each week's rate differs from the level, float64 [len(rows), weeks, PARTS].

        Each split on a tree's path moves the forecast; the moves are credited to what was asked there (A. Saabas,
        2014, "Interpreting random forests"). Shapley values cost a hundred times as much for the same sum.
        """
        import xgboost as xgb

        is_open = open_days(sales.total, sales.first_on, weeks * WINDOW, sales.country)
        usual = capped(self._as_learned(sales.rows(rows)), self.cap_quantile)
        features = SalesFeatures(usual, is_open, sales.total)
        belongs = np.array([[name == part for part in PARTS] for name in features.families], dtype=np.float64)
        logs = np.zeros((len(rows), weeks, len(PARTS)))
        for week, (asked, margin) in enumerate(_questions(features, weeks)):
            data = xgb.DMatrix(asked, base_margin=margin, nthread=1)
            moves = _mean([b.predict(data, pred_contribs=True, approx_contribs=True) for b in self.boosters])
            logs[:, week] = moves[:, :-1] @ belongs
            logs[:, week, PARTS.index("trend")] += moves[:, -1] - margin
        now = np.full(len(rows), sales.days)
        rates = features.level(np.arange(len(rows)), now)[:, None] * np.exp(logs.sum(axis=2))
        logs[:, :, PARTS.index("launch")] = launches(sales, is_open).logs(rows, rates)
        return logs

    def _as_learned(self, sales: DailySales) -> DailySales:
        """The sales with the kind of promotions that the trees ask about: a plan that is gone is one without any."""
        learned = self.boosters[0].attr("promotions")
        if learned is None:
            return sales
        past = np.zeros(sales.units.shape, dtype=bool) if sales.is_promo is None else sales.is_promo
        none_ahead = np.zeros((len(past), HORIZON), dtype=bool)
        ahead = none_ahead if sales.promo_ahead is None else sales.promo_ahead
        return replace(
            sales,
            is_promo=None if learned == NO_PROMOTIONS else past,
            promo_ahead=ahead if learned == PLANNED else None,
        )

    def _rates(self, features: SalesFeatures, weeks: int) -> Floats:
        """Units per open day of each week ahead, [series, weeks]."""
        logs = []
        for rows, margin in _questions(features, weeks):
            said = (b.inplace_predict(rows, predict_type="margin", base_margin=margin) for b in self.boosters)
            logs.append(_mean(list(said)))
        return np.exp(np.stack(logs, axis=1))

    def files(self) -> dict[str, bytes]:
        """The boosters, each with the cap it was trained with."""
        return dict(zip(FILES, self.models, strict=False))


def fit(sales: DailySales, config: ForecastConfig, seed: int) -> Boosted:
    """The model fitted on a year of origins. Raises BadData when there are too few rows to learn from."""
    import xgboost as xgb

    usual = capped(_learned(sales, seed), config.cap_quantile)
    is_open = open_days(sales.total, sales.first_on, HORIZON, sales.country)
    models = []
    for number in range(len(FILES)):
        rows, margin, target, days = _lessons(usual, is_open, sales.total, config, seed + number)
        if len(rows) < MIN_ROWS or not target.any():
            raise BadData(f"xgb: {len(rows)} training rows, needs {MIN_ROWS} with sales in them")
        bins = PARAMETERS["max_bin"]
        data = xgb.QuantileDMatrix(rows, target, weight=days, base_margin=margin, max_bin=bins, nthread=1)
        settings = {**PARAMETERS, "eta": config.eta, "max_leaves": config.leaves, "seed": seed + number}
        booster = xgb.train(settings, data, config.rounds)
        booster.set_attr(cap_quantile=str(config.cap_quantile), promotions=_promotions(sales))
        models.append(bytes(booster.save_raw("ubj")))
    return load(dict(zip(FILES, models, strict=True)))


def load(files: Mapping[str, bytes]) -> Boosted:
    """The model whose `files()` these are. Check their hashes first: a damaged UBJSON can load and lie."""
    # Bundles of before there were two have one booster.
    models = tuple(files[name] for name in FILES if name in files)
    if not models:
        raise BadBundle(f"{FILES[0]} is missing")
    boosters = tuple(_booster(model) for model in models)
    return Boosted(models, boosters, float(boosters[0].attr("cap_quantile") or 1.0))


def _booster(model: bytes) -> xgboost.Booster:
    import xgboost as xgb

    booster = xgb.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(model))
    except xgb.core.XGBoostError as wrong:
        raise BadBundle(f"{FILES[0]}: not a model ({str(wrong).splitlines()[0]})") from wrong
    return booster


def _mean(said: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean(said, axis=0, dtype=np.float64))


def _promotions(sales: DailySales) -> str:
    """Which promotions these sales tell of."""
    if sales.is_promo is None:
        return NO_PROMOTIONS
    return PAST if sales.promo_ahead is None else PLANNED


def _questions(features: SalesFeatures, weeks: int) -> Iterator[tuple[Floats, Floats]]:
    """Feature rows and base margin of every series, week ahead by week ahead."""
    i = np.arange(len(features.sales.series))
    t = np.full(len(i), features.sales.days)
    margin = np.log(features.level(i, t)).astype(np.float32)
    for week in range(weeks):
        # Beyond the weeks it was trained on, the last of them is the best guess.
        yield features.rows(i, t, np.full(len(i), min(week, WEEKS - 1))), margin


def _lessons(
    usual: DailySales, is_open: Bools, total: Floats, config: ForecastConfig, seed: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """What is learned from: feature rows, their base margin, units per open day of the week, its open days.

    total: of the whole shop, whose series may be more than these.
    """
    features = SalesFeatures(usual, is_open, total)
    i, t, w = _sample(features, config, seed)
    target, days = features.target(i, t, w)
    opens = days > 0
    i, t, w, target, days = i[opens], t[opens], w[opens], target[opens], days[opens]
    margin = np.log(features.level(i, t)).astype(np.float32)
    rows = np.zeros((len(i), len(features.families)), dtype=np.float32)
    for part in in_chunks(np.arange(len(usual.series))):
        mine = (i >= part[0]) & (i <= part[-1])
        features = SalesFeatures(usual.rows(part), is_open, total)
        rows[mine] = features.rows(i[mine] - part[0], t[mine], w[mine])
    return rows, margin, target, days


def _learned(sales: DailySales, seed: int) -> DailySales:
    """All series, or a random sample of a very large catalogue."""
    n = len(sales.series)
    if n <= MOST_LEARNED:
        return sales
    return sales.rows(np.sort(np.random.default_rng(seed).choice(n, MOST_LEARNED, replace=False)))


def _sample(features: SalesFeatures, config: ForecastConfig, seed: int) -> tuple[Ints, Ints, Ints]:
    """At most about `config.rows` training rows (i, t, w) whose week lies wholly in the past.

    Series that sell more are drawn more often (by the root of their level): they are what errors are counted in.
    """
    random = np.random.default_rng(seed)
    blocks = [block for t in _origins(features.sales.days) for block in _candidates(features, config, t)]
    share = min(1.0, config.rows / max(sum(len(i) for i, _, _ in blocks), 1))
    chosen: list[tuple[Ints, Ints, Ints]] = []
    for i, t, w in blocks:
        weight = np.sqrt(features.level(i, np.full(len(i), t)))
        kept = i[random.random(len(i)) < share * weight / weight.mean()]
        chosen.append((kept, np.full(len(kept), t), np.full(len(kept), w)))
    if not chosen:
        return (np.zeros(0, np.int64),) * 3
    return tuple(np.concatenate(column) for column in zip(*chosen, strict=True))  # type: ignore[return-value]


def _origins(days: int) -> range:
    """Days known at each training origin: weekly, newest first, at most a year back."""
    return range(days - WINDOW, max(days - SPAN, MIN_KNOWN), -WINDOW)


def _candidates(features: SalesFeatures, config: ForecastConfig, t: int) -> list[tuple[Ints, int, int]]:
    """The series that were for sale at an origin, once for each week ahead that is known by now."""
    idle = t - 1 - features.last_sale[:, t - 1]
    i = np.flatnonzero((features.born <= t - MIN_AGE) & (idle < config.sold_within_days))
    weeks = min(WEEKS, (features.sales.days - t) // WINDOW)
    return [(i, t, w) for w in range(weeks)] if len(i) else []
