"""What each part contributed to a forecast, in units that add up to it.

A week's forecast is a product of factors: the recorded level, what filling stock-outs and setting bulk orders aside
made of it, what the member's reasons multiplied it by, the share of trading days that are no holidays, and the scaling
to the shop's total. The difference between the forecast and the plain level is shared out in proportion to the factors'
logs (the logarithmic mean Divisia index): exact, without a rest, and whatever their order.

Source: Ang (2005), "The LMDI approach to decomposition analysis: a practical guide".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ml.calendars import open_days, weekdays
from ml.explain import FACTS, FILE, PARTS
from ml.features import recent_level
from ml.forecast import effects, sanity
from ml.forecast.bulk import capped, day_limits
from ml.forecast.forecast import Forecast, write_frame
from ml.forecast.stockouts import uncensored
from ml.frames import WINDOW
from ml.sales import Bools, DailySales, Floats, Ints, in_chunks

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ml.forecast.model import ForecastModel

AT = {part: number for number, part in enumerate(PARTS)}
NEAR, FAR, USUAL = 28, 91, 182


def explanations(model: ForecastModel, sales: DailySales, forecast: Forecast) -> pd.DataFrame:
    """One row per series of `forecast` (`ml.explain`), the total's last; it is the sum of the others.

    sales: what the forecast was made from.
    """
    import pandas as pd

    row_of = {name: row for row, name in enumerate(sales.series)}
    rows = np.array([row_of[name] for name in forecast.series[:-1]], dtype=np.int64)
    horizon, weeks = forecast.horizon, -(-forecast.horizon // WINDOW)
    filled = uncensored(sales)
    days = _Days(
        open_days(filled.total, filled.first_on, horizon, filled.country)[filled.days :],
        open_days(filled.total, filled.first_on, horizon)[filled.days :],
    )
    parts = np.zeros((len(rows) + 1, len(PARTS)))
    facts = np.zeros((len(rows) + 1, len(FACTS)))
    clean = effects.removed(filled, model.effects, horizon)
    said = _weekly(forecast.days.mean, weeks)
    plain = said if clean.lift is None else _weekly(forecast.days.mean / clean.lift, weeks)
    for places in in_chunks(np.arange(len(rows))):
        parts[places] = _parts(model, (sales, filled, clean), rows[places], days, (said[places], plain[places]))
        facts[places] = _facts(sales, filled, rows[places], model.cap_quantile)
    parts[-1] = parts[:-1].sum(axis=0)
    facts[-1] = _facts_of_all(sales, facts[:-1])
    facts[:, FACTS.index("closed_days")] = (days.trading & ~days.opened).sum()
    facts[:, FACTS.index("best_weekday") :] = _rhythm(forecast)
    keys = {
        "series": np.array(forecast.series, dtype=object),
        "origin": np.full(len(parts), np.datetime64(forecast.origin_on, "s")),
        "days": np.full(len(parts), horizon, dtype=np.int32),
        "signal_names": ", ".join(model.effects.names),
        "mean": parts.sum(axis=1).astype(np.float32),
    }
    columns = {name: parts[:, k].astype(np.float32) for k, name in enumerate(PARTS)}
    return pd.DataFrame({**keys, **columns, **{name: facts[:, k].astype(np.float32) for k, name in enumerate(FACTS)}})


def write(frame: pd.DataFrame, folder: Path) -> None:
    """Write the rows as Parquet beside the forecast that they explain."""
    write_frame(frame, folder / FILE)


class _Days:
    """Of the days ahead, those the shop will be open and those it would be without holidays; and both per week."""

    def __init__(self, opened: Bools, trading: Bools) -> None:
        self.opened, self.trading = opened, trading
        weeks = -(-len(opened) // WINDOW)
        self.opened_per_week, self.trading_per_week = (_weekly(part[None], weeks)[0] for part in (opened, trading))


def _parts(
    model: ForecastModel, seen: tuple[DailySales, ...], rows: Ints, days: _Days, forecast: tuple[Floats, Floats]
) -> Floats:
    """Units per part of these rows over the whole horizon, [len(rows), PARTS].

    seen: the sales as recorded, with stock-outs filled, and those without the effect of signals. forecast: what was
    said per week, with and without that effect.
    """
    (sales, filled, clean), (said, plain) = seen, forecast
    born, is_open = sales.born[rows], open_days(filled.total, filled.first_on, 0, filled.country)
    steps = (
        sales.units[rows],
        filled.units[rows],
        clean.units[rows],
        capped(clean.rows(rows), model.cap_quantile).units,
    )
    recorded, whole, unmoved, level = (recent_level(units, born, is_open) for units in steps)
    logs = _member_logs(model, clean, rows, days, level)
    logs[:, :, AT["stock_outs"]] += np.log(whole / recorded)[:, None]
    lifted = np.log(np.where(plain > 0, said / np.maximum(plain, 1e-300), 1.0))
    logs[:, :, AT["signals"]] += np.log(unmoved / whole)[:, None] + lifted
    logs[:, :, AT["bulk"]] += np.log(level / unmoved)[:, None]
    open_share = days.opened_per_week / np.maximum(days.trading_per_week, 1)
    logs[:, :, AT["holidays"]] += np.log(np.where(open_share > 0, open_share, 1.0))
    base = recorded[:, None] * days.trading_per_week
    reached = said > 0
    wanted = np.log(np.where(reached & (base > 0), said / np.maximum(base, 1e-300), 1.0))
    logs[:, :, AT["shop"]] += wanted - logs.sum(axis=2)
    units = np.where((reached & (base > 0))[:, :, None], _log_mean(said, base)[:, :, None] * logs, 0.0)
    # Nothing expected is no product of factors: closed all week, or a level that its member or the shop takes away.
    lost = np.where(reached & (base > 0), 0.0, said - base)
    closed = np.broadcast_to(days.opened_per_week == 0, lost.shape)
    units[:, :, AT["holidays"]] += np.where(closed, lost, 0.0)
    units[:, :, AT["trend"]] += np.where(closed, 0.0, lost)
    units[:, :, AT["level"]] = base
    return np.asarray(units.sum(axis=1))


def _member_logs(model: ForecastModel, filled: DailySales, rows: Ints, days: _Days, level: Floats) -> Floats:
    """Logs of what the member made of the level, per week; all of it is `trend` for a member without reasons.

    So it is for rows that failed the sanity gate and were answered by their weekday average.
    """
    weeks = len(days.opened_per_week)
    reasons = getattr(model.member, "reasons", None)
    logs = np.zeros((len(rows), weeks, len(PARTS)))
    if reasons is not None:
        logs = reasons(filled, rows, weeks)
        weekly = level[:, None] * np.exp(logs.sum(axis=2)) * days.opened_per_week
        logs[~sanity.plausible_rows(filled, rows, np.repeat(weekly / WINDOW, WINDOW, axis=1))] = 0.0
    else:
        made = _weekly(model.member.daily(filled, rows, len(days.opened)), weeks)
        plain = level[:, None] * days.opened_per_week
        logs[:, :, AT["trend"]] = np.log(np.where((made > 0) & (plain > 0), made / np.maximum(plain, 1e-300), 1.0))
    return logs


def _log_mean(a: Floats, b: Floats) -> Floats:
    """The logarithmic mean (a - b) / (ln a - ln b), whose limit for equal values is their value."""
    a, b = np.maximum(a, 1e-300), np.maximum(b, 1e-300)
    logs = np.log(a / b)
    near = np.abs(logs) < 1e-6
    return np.where(near, (a + b) / 2, (a - b) / np.where(near, 1.0, logs))


def _facts(sales: DailySales, filled: DailySales, rows: Ints, cap_quantile: float) -> Floats:
    """The facts of these rows but those about the days ahead."""
    facts = np.zeros((len(rows), len(FACTS)))
    is_open = open_days(filled.total, filled.first_on, 0, filled.country)
    units = sales.units[rows]
    found: dict[str, Any] = {"per_day": recent_level(units, sales.born[rows], is_open)}
    for name, flags in (("out_days", sales.is_out), ("promo_days", sales.is_promo)):
        found[name] = 0.0 if flags is None else flags[rows, -NEAR:].sum(axis=1)
    found["planned_days"] = 0.0 if sales.promo_ahead is None else sales.promo_ahead[rows].sum(axis=1)
    found["bulk_days"] = (units[:, -FAR:] > day_limits(filled.units[rows], cap_quantile)[:, None]).sum(axis=1)
    found["price_change"] = np.nan if sales.revenue is None else _price_change(units, sales.revenue[rows])
    for name, values in found.items():
        facts[:, FACTS.index(name)] = values
    return facts


def _price_change(units: Floats, revenue: Floats) -> Floats:
    """Mean price of the last 28 days over that of the last 182, less 1; NaN without a sale in them or for gifts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        near, far = (revenue[:, -n:].sum(axis=1) / units[:, -n:].sum(axis=1) for n in (NEAR, USUAL))
        change = near / far - 1
    return np.where(np.isfinite(change), change, np.nan)


def _facts_of_all(sales: DailySales, facts: Floats) -> Floats:
    """The total's facts: levels add up; days and prices of single products say nothing about it."""
    total = np.zeros(len(FACTS))
    total[FACTS.index("per_day")] = facts[:, FACTS.index("per_day")].sum()
    total[FACTS.index("price_change")] = np.nan
    return total


def _rhythm(forecast: Forecast) -> Floats:
    """The strongest weekday of each series' days ahead and how many times an average open day it is, [series, 2]."""
    mean, weekday = forecast.days.mean, (weekdays(forecast.origin_on, forecast.horizon) + 1) % WINDOW
    asked = [day for day in range(WINDOW) if (weekday == day).any()]
    means = np.stack([mean[:, weekday == day].mean(axis=1) for day in asked], axis=1)
    trading = np.maximum((means > 0).sum(axis=1), 1)
    usual = means.sum(axis=1) / trading
    times = np.divide(means.max(axis=1), usual, out=np.zeros(len(mean)), where=usual > 0)
    return np.stack([np.array(asked)[means.argmax(axis=1)], times], axis=1)


def _weekly(daily: Any, weeks: int) -> Floats:
    """Sums per week of [n, days]; the last week may hold less than seven days."""
    padded = np.pad(np.asarray(daily, np.float64), ((0, 0), (0, weeks * WINDOW - daily.shape[1])))
    return np.asarray(padded.reshape(len(padded), weeks, WINDOW).sum(axis=2))
