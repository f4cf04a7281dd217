"""Hold stored forecasts against what happened, on the evening a business day is complete."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from ml import tallies
from ml.tallies import Level, Tally
from shopify_app.lifecycle import forecasts, outcomes
from shopify_app.records.objects import Objects
from shopify_app.tables import ForecastRun, Shop

if TYPE_CHECKING:
    import pandas as pd

SERVED = 0
"""The version id of what the merchant saw, whichever version was in charge."""
RECENT_DAYS = 7


@dataclass
class Evening:
    """A shop on the evening of `closed_on`: what was sold lately, and stored forecasts, each file read once.

    Sales are read for 35 days, which is what the oldest week that is tallied again and the one before it need.
    """

    db: Session
    objects: Objects
    shop: Shop
    closed_on: date
    _frames: dict[tuple[Any, ...], "pd.DataFrame"] = field(default_factory=dict)
    _runs: dict[tuple[int, date], ForecastRun | None] = field(default_factory=dict)
    _orders: dict[date, int] = field(default_factory=dict)
    _sold: "pd.DataFrame | None" = None

    def sold(self, first: date, last: date) -> "pd.DataFrame":
        """Units per product and day of a span within the last 35 days: `series, ds, units`."""
        import pandas as pd

        if self._sold is None:
            self._sold = outcomes.units(self.db, self.shop.id, self.closed_on - timedelta(days=35), self.closed_on)
        return self._sold[(self._sold.ds >= pd.Timestamp(first)) & (self._sold.ds <= pd.Timestamp(last))]

    def sold_before(self, first: date, days: int) -> "pd.DataFrame":
        """Units of the `days` days before `first`, as if they had been sold that many days later."""
        import pandas as pd

        sold = self.sold(first - timedelta(days=days), first - timedelta(days=1))
        return sold.assign(ds=sold.ds + pd.Timedelta(days=days))

    def said_the_evening_before(self, version_id: int, first: date, last: date) -> "pd.DataFrame | None":
        """Day forecasts, each from the last run before its day: `series, ds, mean`. None where no run reaches a day.

        After weeks in which nothing ran, the last run before a day may have ended before it.
        """
        import pandas as pd

        days = []
        for day_on in _days(first, last):
            run = self._run_before(version_id, day_on)
            if run is None:
                return None
            said = self._once(forecasts.of_day, run, day_on)
            if said.empty:
                return None
            days.append(said)
        return pd.concat(days, ignore_index=True)

    def said_ahead(self, version_id: int, days: int) -> "pd.DataFrame | None":
        """The window of the last `days` days as it was forecast just before it began. None when no run is that old."""
        first = self.closed_on - timedelta(days=days - 1)
        run = self._run_before(version_id, first)
        if run is None or run.origin_on != first - timedelta(days=1):
            return None
        return self._once(forecasts.of_window, run, first, days)

    def orders_since(self, first: date) -> int:
        """Orders from a day up to this evening."""
        if first not in self._orders:
            self._orders[first] = outcomes.orders(self.db, self.shop.id, first, self.closed_on)
        return self._orders[first]

    def _run_before(self, version_id: int, day_on: date) -> ForecastRun | None:
        """What was served is compared at several levels, and a version with the one before it on the same days."""
        asked = (version_id, day_on)
        if asked not in self._runs:
            is_served = version_id == SERVED
            self._runs[asked] = (
                forecasts.served(self.db, self.shop.id, day_on)
                if is_served
                else forecasts.before(self.db, self.shop.id, [version_id], day_on)
            )
        return self._runs[asked]

    def _once(self, read: "Callable[..., pd.DataFrame]", run: ForecastRun, *which: Any) -> "pd.DataFrame":
        """Versions share days and windows with what was served: each is read from disk once."""
        key = (run.id, *which)
        if key not in self._frames:
            self._frames[key] = read(self.objects, run, *which)
        return self._frames[key]


@dataclass(frozen=True)
class Score:
    """How a forecast of a window did, and how 'the same as the days before' would have done for the same products."""

    actual: float
    forecast: float
    tally: Tally
    baseline: float | None


WEEKS = (("product_week", 7), ("store_week", 7))
LEVELS = (("product_recent", RECENT_DAYS), *WEEKS, ("product_28d", 28))
"""What is tallied each evening: forecasts made the evening before, a week ahead, and 28 days ahead."""
AGAIN = (7, 14, 21)
"""So many days later a week is tallied anew: orders are cancelled, given back, edited and found after their day."""


def tally(
    evening: Evening, version_id: int, role: str, levels: Sequence[tuple[str, int]] = LEVELS
) -> list[dict[str, Any]]:
    """Rows of evaluations: how one version did up to this evening, at every level its stored forecasts reach."""
    scored = ((level, days, _score(evening, version_id, level, days)) for level, days in levels)
    return [
        {"version_id": version_id, "role": role, "level": level, **_row(evening, days, score)}
        for level, days, score in scored
        if score is not None
    ]


def tally_again(evening: Evening) -> list[dict[str, Any]]:
    """Rows of evaluations of the weeks before this one, as the merchant saw them, with what is known of them by now."""
    rows = []
    for days in AGAIN:
        earlier = replace(evening, closed_on=evening.closed_on - timedelta(days=days), _orders={})
        on = {"evaluated_on": earlier.closed_on}
        rows += [{**row, **on} for row in tally(earlier, SERVED, "served", WEEKS)]
    return rows


def _score(evening: Evening, version_id: int, level: str, days: int) -> Score | None:
    first = evening.closed_on - timedelta(days=days - 1)
    whose: Level = "store" if level == "store_week" else "product"
    stitched = level == "product_recent"
    if stitched:
        said = evening.said_the_evening_before(version_id, first, evening.closed_on)
    else:
        said = evening.said_ahead(version_id, days)
    if said is None or said.empty:
        return None
    sold, before = evening.sold(first, evening.closed_on), evening.sold_before(first, days)
    done = tallies.tally(sold, said, whose) if stitched else tallies.tally_windows(sold, said, whose)
    is_total = said.series == forecasts.TOTAL
    if whose == "product":  # a launch was forecast by nobody, so it counts against nobody
        spoken_of = said[["series", "ds"] if stitched else ["series"]]
        sold, before = (frame.merge(spoken_of) for frame in (sold, before))
    return Score(
        actual=float(sold.units.sum()),
        forecast=float(said[is_total if whose == "store" else ~is_total]["mean"].sum()),
        tally=done,
        baseline=_baseline(sold, before, whose) if days == 7 else None,
    )


def _baseline(sold: "pd.DataFrame", before: "pd.DataFrame", whose: Level) -> float | None:
    """Accuracy of 'as many as in the week before', which is 'same weekday last week' for a window of a week."""
    import pandas as pd

    sums = [frame.groupby("series").units.sum() for frame in (sold, before)]
    both = pd.concat(sums, axis=1, keys=["now", "before"]).fillna(0)
    if whose == "store":
        both = both.sum().to_frame().T
    total = float(both.now.sum())
    return 1 - float((both.now - both.before).abs().sum()) / total if total > 0 else None


def _row(evening: Evening, days: int, score: Score) -> dict[str, Any]:
    return {
        "window_days": days,
        "orders": evening.orders_since(evening.closed_on - timedelta(days=days - 1)),
        "actual_units": score.actual,
        "forecast_units": score.forecast,
        "accuracy": score.tally.accuracy,
        "baseline_accuracy": score.baseline,
        "bias": score.tally.bias,
        "coverage": score.tally.coverage,
        "numbers": {},
    }


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
