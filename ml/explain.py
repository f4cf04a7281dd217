"""Why a forecast is what it is: units that each part contributed, and the same in words.

One row per series: `series, origin, days, signal_names, mean`, then the parts, which add up to `mean` (the expected
units of all `days` ahead), then the facts behind them. `ml.forecast.reasons` makes the rows; this module only reads
them and loads nothing, so that a page may.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

PARTS: Final = (
    "level",
    "trend",
    "season",
    "holidays",
    "price",
    "promotion",
    "signals",
    "stock_outs",
    "bulk",
    "launch",
    "shop",
)
"""Columns in units. level: what was sold per open day lately, as it was recorded, times the trading days ahead. The
others move it: how its sales have been moving lately; season and last year; days ahead closed for holidays; price
against its own past; promotions; external signals; days out of stock filled with expected demand; bulk orders
set aside; for a new product the launches before it; being brought in line with the shop's own outlook."""
FACTS: Final = (
    "per_day",
    "closed_days",
    "out_days",
    "promo_days",
    "planned_days",
    "bulk_days",
    "price_change",
    "best_weekday",
    "best_times",
)
"""Units per open day lately; holidays ahead that the shop will be closed on; of the last 28 days those out of stock and
on promotion, of the days ahead those with a planned one, of the last 91 those with a bulk order; price of the last 28
days over that of 182, less 1 (null: not known); strongest weekday (Monday is 0) of the days ahead, and how many times
an average day it is."""
FILE: Final = "explanations.parquet"
SMALL = 0.005
"""Parts below this share of the whole are added up in one line."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def parts(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What moved the level of one series, in words and units, the largest first; small ones are added up at the end."""
    mean = float(row["mean"])
    every = sorted(((part, float(row[part])) for part in PARTS[1:]), key=lambda pair: -abs(pair[1]))
    least = max(SMALL * max(abs(mean), abs(float(row["level"]))), 0.005)
    told = [(_reason(part, row), units) for part, units in every if abs(units) >= least]
    rest = sum(units for _, units in every if abs(units) < least)
    return [*told, ("Everything else", rest)] if abs(rest) >= least else told


def level(row: Mapping[str, Any]) -> str:
    """Where the explanation of one series begins."""
    return f"Sold {_units(row['per_day'])} per open day lately"


def words(row: Mapping[str, Any]) -> list[str]:
    """The explanation of one series, a sentence per part, the largest first; the first states the level."""
    days = int(row["days"])
    told = [f"{level(row)}: {_units(row['level'])} in {days} days."]
    told += [f"{reason}: {_signed(units)}." for reason, units in parts(row)]
    told.append(f"Together {_units(row['mean'])} units in {days} days.")
    return told + rhythm(row)


def _reason(part: str, row: Mapping[str, Any]) -> str:
    """The part in words, with the fact behind it where there is one."""
    told = {
        "trend": "How its sales have been moving",
        "season": "Season, and what happened a year ago",
        "holidays": f"Closed on {_count(row['closed_days'], 'holiday')} ahead",
        "price": _price(row["price_change"]),
        "promotion": f"Promotions{_on(row['promo_days'], 28)}{_planned(row.get('planned_days') or 0)}",
        "signals": f"Signals ({row.get('signal_names') or 'campaigns or the weather'})",
        "stock_outs": f"Out of stock{_on(row['out_days'], 28)}, when it would have sold more",
        "bulk": f"Bulk orders{_on(row['bulk_days'], 91)}, set aside",
        "launch": "New, so it leans on how products of its kind began",
        "shop": "Brought in line with the outlook of the whole shop",
    }
    return told[part]


def _price(change: float | None) -> str:
    if change is None or math.isnan(change):
        return "Prices"
    if abs(change) < 0.005:
        return "Its price, which is what it was"
    return f"Its price, {abs(change):.0%} {'above' if change > 0 else 'below'} its own past"


def rhythm(row: Mapping[str, Any]) -> list[str]:
    """The best day of the week, if one stands out."""
    times = float(row["best_times"])
    if not times > 1.05:
        return []
    return [f"Best day of the week: {WEEKDAYS[int(row['best_weekday'])]}, {times:.1f} times an average day."]


def _on(days: Any, of: int) -> str:
    """On how many of the last days; nothing when that is not known of this series."""
    return f" on {_count(days, 'day')} of the last {of}" if days > 0 else ""


def _planned(days: Any) -> str:
    return f", planned on {_count(days, 'day')} ahead" if days > 0 else ""


def _count(value: Any, noun: str) -> str:
    return f"{int(value)} {noun}{'' if int(value) == 1 else 's'}"


def _units(value: Any) -> str:
    """Units as a person writes them: more digits for fewer units."""
    number = float(value)
    digits = 2 if abs(number) < 1 else 1 if abs(number) < 100 else 0
    return f"{number:,.{digits}f}"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "−") + _units(abs(value))
