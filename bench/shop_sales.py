"""Daily sales for the forecast bench: from a file of order lines, or made up at any size."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.sales import DailySales

START = date(2024, 1, 1)


def read_sales(orders: Path) -> pd.DataFrame:
    """Rows `series, ds, units, price` up to the last complete day of a file of order lines.

    Two kinds of file: Online Retail II as published, or columns `product_id, units, price, created_at`.
    """
    lines = pd.read_parquet(orders)
    lines = _retail(lines) if "Invoice" in lines else lines
    lines = lines[(lines["units"] > 0) & (lines["price"] > 0)]
    ds = pd.to_datetime(lines["created_at"]).dt.tz_localize(None).dt.normalize()
    lines = lines.assign(series=lines["product_id"].astype(str), ds=ds, paid=lines["units"] * lines["price"])
    daily = lines[ds < ds.max()].groupby(["series", "ds"], as_index=False)[["units", "paid"]].sum()
    return daily.assign(price=daily["paid"] / daily["units"])[["series", "ds", "units", "price"]]


def _retail(lines: pd.DataFrame) -> pd.DataFrame:
    """Sold lines of real products, without what the same customer cancelled on the same day."""
    doubled = (lines["Sheet"] == "Year 2009-2010") & (lines["InvoiceDate"] >= "2010-12-01")
    names = {"Quantity": "units", "Price": "price", "InvoiceDate": "created_at", "Customer ID": "customer"}
    lines = lines[~doubled].rename(columns=names)
    lines["product_id"] = lines["StockCode"].str.upper().str.strip()
    lines = lines[lines["product_id"].str.match(r"^\d{5}[A-Z]{0,2}$")].assign(
        day=lambda d: d["created_at"].dt.normalize()
    )
    key = ["customer", "product_id", "day", "units"]
    back = lines[lines["units"] < 0].assign(units=lambda d: -d["units"])[key].dropna().drop_duplicates()
    sold = lines[(lines["units"] > 0) & ~lines["Invoice"].str.startswith("C")]
    sold = sold.merge(back.assign(is_cancelled=True), on=key, how="left")
    return sold[sold["is_cancelled"].isna()]


def last_windows(sales: pd.DataFrame, horizon: int, windows: int) -> list[date]:
    """Origins whose windows follow one another up to the last day."""
    last = sales["ds"].max().date()
    return [last - timedelta(days=horizon * k) for k in range(windows, 0, -1)]


def made_up(products: int, days: int = 730, seed: int = 1) -> DailySales:
    """A shop of this size with long-tailed rates, a weekly and a yearly rhythm; every product sold at least once."""
    random = np.random.default_rng(seed)
    day = np.arange(days)
    rhythm = np.array([1.0, 0.9, 0.9, 1.0, 1.2, 1.3, 0.7])[(day + START.weekday()) % 7] * (1 + 0.3 * np.sin(day / 58))
    units = np.zeros((products, days), dtype=np.float32)
    revenue = np.zeros_like(units)
    for first in range(0, products, 5_000):
        part = units[first : first + 5_000]
        rate = random.lognormal(-1.5, 1.2, len(part)).astype(np.float32)
        part[:] = random.poisson(rate[:, None] * rhythm.astype(np.float32))
        part[:, -1] += ~part.any(axis=1)
        revenue[first : first + 5_000] = part * random.uniform(3, 60, len(part)).astype(np.float32)[:, None]
    return DailySales(tuple(f"p{k:06d}" for k in range(products)), START, units, revenue, orders=10**6)
