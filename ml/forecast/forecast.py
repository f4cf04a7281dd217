"""A forecast: mean and 10, 50, 90 % points of each day, each week and the whole horizon, per series and in total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.frames import WINDOW
from ml.sales import Floats

if TYPE_CHECKING:
    import pandas as pd

FORECASTS_FILE = "forecasts.parquet"
WINDOWS_FILE = "windows.parquet"


@dataclass(frozen=True)
class Points:
    """Mean, p10, p50 and p90 of the same windows, each [series, windows]."""

    mean: Floats
    p10: Floats
    p50: Floats
    p90: Floats

    def above(self, other: Points) -> Points:
        """These series with those of `other` below them."""
        both = zip(self._all(), other._all(), strict=True)
        mean, p10, p50, p90 = (np.concatenate(pair) for pair in both)
        return Points(mean, p10, p50, p90)

    def beside(self, other: Points) -> Points:
        """These windows with those that `other` has of the same series after them."""
        both = zip(self._all(), other._all(), strict=True)
        mean, p10, p50, p90 = (np.concatenate(pair, axis=1) for pair in both)
        return Points(mean, p10, p50, p90)

    def columns(self) -> dict[str, Floats]:
        """Flat float32 columns, series by series. Rounding may not put p50 outside its band, nor the mean below 0."""
        return {name: values.ravel().astype(np.float32) for name, values in zip(_NAMES, self._all(), strict=True)}

    def _all(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.mean, self.p10, self.p50, self.p90


_NAMES = ("mean", "p10", "p50", "p90")


@dataclass(frozen=True)
class Forecast:
    """What is expected after `origin_on`. The last series is the total.

    days: one window per day. weeks: one per full seven days. whole: one for the horizon.
    """

    series: tuple[str, ...]
    origin_on: date
    days: Points
    weeks: Points
    whole: Points

    @property
    def horizon(self) -> int:
        """How many days ahead."""
        return int(self.days.mean.shape[1])

    def days_frame(self) -> pd.DataFrame:
        """Rows `series, origin, ds, mean, p10, p50, p90`."""
        import pandas as pd

        keys = self._keys(list(range(1, self.horizon + 1)), "ds")
        return pd.DataFrame({**keys, **self.days.columns()})

    def windows_frame(self) -> pd.DataFrame:
        """Rows `series, origin, first, days, mean, p10, p50, p90`: each week, then the whole horizon."""
        import pandas as pd

        weeks = self.weeks.mean.shape[1]
        parts = []
        if weeks:
            keys = self._keys([1 + WINDOW * k for k in range(weeks)], "first")
            parts.append(pd.DataFrame({**keys, "days": np.int32(WINDOW), **self.weeks.columns()}))
        if self.horizon != WINDOW:
            keys = self._keys([1], "first")
            parts.append(pd.DataFrame({**keys, "days": np.int32(self.horizon), **self.whole.columns()}))
        return pd.concat(parts, ignore_index=True)

    def write(self, folder: Path) -> None:
        """Write both frames as Parquet, atomically: a half-written forecast is never seen."""
        write_frame(self.days_frame(), folder / FORECASTS_FILE)
        write_frame(self.windows_frame(), folder / WINDOWS_FILE)

    def _keys(self, offsets: list[int], column: str) -> dict[str, object]:
        """Series, origin and the first day of each window, row by row."""
        n = len(self.series)
        firsts = [np.datetime64(self.origin_on + timedelta(days=k), "s") for k in offsets]
        return {
            "series": np.repeat(np.array(self.series, dtype=object), len(offsets)),
            "origin": np.full(n * len(offsets), np.datetime64(self.origin_on, "s")),
            column: np.tile(np.array(firsts), n),
        }


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as Parquet with calendar days as dates, under a temporary name first."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    for name in ("origin", "ds", "first"):
        if name in table.column_names:
            position = table.column_names.index(name)
            table = table.set_column(position, name, table[name].cast(pa.date32()))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial)
    partial.replace(path)
