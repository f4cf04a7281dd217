"""Small seeded shops for these tests: daily sales, orders with known companions, dataset folders."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.sales import DailySales, from_frame

START = date(2025, 1, 6)
"""A Monday."""


def sales_frame(products: int = 30, days: int = 200, seed: int = 0, closed: tuple[int, ...] = ()) -> pd.DataFrame:
    """Rows `series, ds, units, price` of a shop with a weekly rhythm; weekdays in `closed` (Monday 0) sell nothing."""
    random = np.random.default_rng(seed)
    rate = random.lognormal(0.3, 0.8, products)
    weekday = (np.arange(days) + START.weekday()) % 7
    rhythm = np.where(np.isin(weekday, closed), 0.0, np.array([1.0, 0.8, 0.9, 1.0, 1.3, 1.6, 0.7])[weekday])
    units = random.poisson(rate[:, None] * rhythm[None, :])
    row, day = np.nonzero(units)
    ds = np.datetime64(START) + day.astype("timedelta64[D]")
    price = np.round(random.uniform(5, 40, products), 2)[row]
    return pd.DataFrame({"series": [f"p{r:03d}" for r in row], "ds": ds, "units": units[row, day], "price": price})


def daily_sales(products: int = 30, days: int = 200, seed: int = 0, closed: tuple[int, ...] = ()) -> DailySales:
    """The same as a matrix."""
    return from_frame(sales_frame(products, days, seed, closed), START + timedelta(days=days - 1))


def order_lines(days: int = 120, per_day: int = 12, families: int = 8, seed: int = 0) -> pd.DataFrame:
    """Order lines of a shop whose products come in families of four that are bought together.

    Product ids are 1000 + 10 x family + 0 … 3. Three lines of an order in four are of one family.
    """
    random = np.random.default_rng(seed)
    rows = []
    for number in range(days * per_day):
        day = START + timedelta(days=number // per_day)
        at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) + timedelta(minutes=number % per_day)
        family = int(random.integers(families))
        for _ in range(int(random.integers(1, 5))):
            home = family if random.random() < 0.75 else int(random.integers(families))
            product = 1000 + 10 * home + int(random.integers(4))
            rows.append((10_000 + number, f"c{number % 97}", product, int(random.integers(1, 4)), 9.5 + home, at, day))
    names = ["order_id", "customer", "product_id", "units", "price", "created_at", "created_on"]
    return pd.DataFrame(rows, columns=names)


def family_steps(families: int = 8, age: float = 40.0, browsers: int = 60) -> list[tuple[int, int, float, int]]:
    """Product, next product, age in days, browsers: within those families, each after each other."""
    homes = [[1000 + 10 * family + member for member in range(4)] for family in range(families)]
    return [(one, other, age, browsers) for home in homes for one in home for other in home if one != other]


def write_dataset(
    folder: Path,
    lines: pd.DataFrame | None = None,
    cutoff: date | None = None,
    country: str | None = "GB",
    steps: list[tuple[int, int, float, int]] | None = None,
) -> Path:
    """A dataset folder with these lines in two files, and steps of weeks as (…, days since their last, browsers)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    lines = order_lines() if lines is None else lines
    (folder / "lines").mkdir(parents=True)
    cutoff = cutoff or lines["created_on"].max()
    about = {"cutoff_on": cutoff.isoformat(), "time_zone": "UTC", "country": country, "currency": "GBP"}
    (folder / "dataset.json").write_text(json.dumps({**about, "snapshot_id": "s1"}))
    if steps is not None:
        rows = [(one, other, cutoff - timedelta(days=age + 6), n) for one, other, age, n in steps]
        columns = zip(*rows, strict=True)
        named = dict(zip(("product_id", "next_id", "week_on", "browsers"), map(list, columns), strict=True))
        pq.write_table(pa.table(named), folder / "views.parquet")
    half = len(lines) // 2
    for name, part in (("a", lines[:half]), ("b", lines[half:])):
        table = pa.Table.from_pandas(part, preserve_index=False)
        place = table.column_names.index("created_at")
        table = table.set_column(place, "created_at", table["created_at"].cast(pa.timestamp("us", tz="UTC")))
        pq.write_table(table, folder / "lines" / f"{name}.parquet")
    return folder
