"""A shop with a past, written straight into its rows and files: three months of sales, five weeks of forecasts."""

import atexit
import math
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from ml import explain
from shopify_app.db import insert_many
from shopify_app.lifecycle import alerts, forecasts, registry
from shopify_app.lifecycle.tallies import SERVED
from shopify_app.records.objects import Objects
from shopify_app.tables import (
    Backfill,
    Evaluation,
    Event,
    Exposure,
    FlowRun,
    InventoryItem,
    Order,
    OrderLine,
    Product,
    PublishedList,
    Shop,
    Slot,
    StockDay,
    Task,
    Version,
)

TODAY = date(2026, 11, 16)
CLOSED = TODAY - timedelta(days=1)
DAYS, RUNS, HORIZON = 90, 36, 28
NAMES = """Linen tea towel|Oak serving board|Stoneware mug, sand|Stoneware mug, ink|
Beeswax candle|Wool throw, moss|Cotton apron|Glass carafe 1 l|
Ceramic butter dish|Walnut spoon set|Jute basket, large|Jute basket, small|
Enamel pot 2 l|Soap, rosemary|Soap, cedar|Brass candle holder|
Door mat, herringbone|Picnic blanket|Recycled paper notebook|Pencil set|
Tin lantern|Herb planter|Watering can 1.5 l|Clay oil burner|
Linen napkins, set of 4|Wicker tray|Coat hook, iron|Felt coasters|
Cork trivet|Match holder with 60 long matches, one of those names that go on and must wrap somewhere"""
VENDORS = ("Foretally goods", "Kiln & Co", "")
COLLECTIONS = ((7001, "Gifts under 20"), (7002, "Everything that goes with a long evening at home"), (7003, "Summer"))
TYPES = ("Kitchen & table", "Textiles for every room of the house", "Lights", "")
TITLES = [name.strip() for name in NAMES.split("|")]


@dataclass(frozen=True)
class Sales:
    """Units per product (rows) and day (columns), and what was expected of each."""

    units: np.ndarray
    expected: np.ndarray
    days: list[date]


def sales(seed: int = 7) -> Sales:
    """Weekly rhythm, a slow rise before Christmas, slow and fast products, one that is new."""
    rng = np.random.default_rng(seed)
    days = [CLOSED - timedelta(days=DAYS - 1 - n) for n in range(DAYS + HORIZON)]
    level = 9.0 * np.exp(-np.arange(len(TITLES)) / 9.0) + 0.15
    weekday = np.array([0.85, 0.8, 0.9, 1.0, 1.2, 1.35, 0.9])[[day.weekday() for day in days]]
    season = np.array([1 + 0.35 / (1 + math.exp(-(n - 75) / 9)) for n in range(len(days))])
    expected = np.outer(level, weekday * season)
    expected[18, : DAYS - 12] = 0.0
    units = rng.negative_binomial(6, 6 / (6 + np.maximum(expected[:, :DAYS], 1e-9)))
    return Sales(units, expected, days)


def noon(day: date) -> datetime:
    """Midday of a day, in UTC."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def shop(db: Session, domain: str, **values: Any) -> Shop:
    """An installed shop without any past."""
    told = {"time_zone": "Europe/Berlin", "currency": "EUR", "name": domain.split(".")[0]}
    scopes = "read_customers,read_inventory,read_orders,read_products,write_app_proxy,write_products"
    fresh = Shop(
        domain=domain,
        scopes=scopes,
        installed_at=noon(CLOSED),
        settings={},
        orders_counted=1312,
        orders_at_retrain=1000,
        business_on=TODAY,
        business_at=noon(TODAY),
        **(told | values),
    )
    db.add(fresh)
    db.flush()
    return fresh


def reading(db: Session, installed: Shop, heard_at: datetime) -> None:
    """Its history is being read just now."""
    values = {"state": "reading", "orders_expected": 5210, "orders_read": 3120, "reached_on": CLOSED}
    db.add(Backfill(shop_id=installed.id, started_at=heard_at, **values))


def past(db: Session, objects: Objects, installed: Shop, heard_at: datetime, bundle: str = "b" * 64) -> Sales:
    """Everything a shop has after some weeks: orders, versions, forecasts, evaluations, lists, one settled alert."""
    sold = sales()
    _catalogue(db, installed, sold)
    _orders(db, installed, sold)
    _heard(db, installed, heard_at)
    chosen = _versions(db, installed, bundle)
    _runs(db, objects, chosen)
    _evenings(db, installed, sold)
    _lists(db, installed)
    return sold


def _catalogue(db: Session, installed: Shop, sold: Sales) -> None:
    for n, title in enumerate(TITLES):
        db.add(
            Product(
                shop_id=installed.id,
                product_id=1001 + n,
                title=title,
                handle=f"p-{n}",
                tags=[],
                price_amount=9.5 + n,
                units_in_stock=None if n % 7 == 3 else (n * 13) % 90,
                created_on=sold.days[DAYS - 12 if n == 18 else 0],
                updated_at=noon(CLOSED),
                product_type=TYPES[n % len(TYPES)],
                vendor=VENDORS[n % len(VENDORS)],
                collections=[list(one) for place, one in enumerate(COLLECTIONS) if _is_in(n, place)],
            )
        )
        if n == 6:
            _sizes(db, installed, 1001 + n, (n * 13) % 90)
        elif n % 7 != 3:
            _count_stock(db, installed, 1001 + n, (n * 13) % 90)


def _is_in(product: int, place: int) -> bool:
    """Whether a product is in a collection: they overlap, and some products are in none."""
    return product % (place + 2) == 1


def _count_stock(db: Session, installed: Shop, product_id: int, units: int) -> None:
    """What two places have of a product's only item; the others of the shop are not tracked."""
    item = {"shop_id": installed.id, "inventory_item_id": 7 * product_id}
    db.add(InventoryItem(**item, product_id=product_id, variant_id=10 * product_id))
    for location_id, available in ((1, units - units // 3), (2, units // 3)):
        at = {"location_id": location_id, "counted_on": CLOSED, "updated_at": noon(CLOSED)}
        db.add(StockDay(**item, **at, available=available))


def _sizes(db: Session, installed: Shop, product_id: int, units: int) -> None:
    """A product in four sizes: one is sold out, of one customers wait for two, one is made to order."""
    sizes = (("S / natural", 31.0, 0, False), ("M / natural", 40.0, units + 2, False), ("L / natural", 9.0, -2, True))
    for n, (title, sold, left, sells_on) in enumerate((*sizes, ("XL / natural, for tall cooks", 2.0, 0, True))):
        item = {"shop_id": installed.id, "inventory_item_id": 7 * product_id + n}
        told = {"title": title, "sku": f"APRON-{n}", "sells_on": sells_on, "units_in_stock": left, "sold_units": sold}
        db.add(InventoryItem(**item, product_id=product_id, variant_id=10 * product_id + n, **told))
        at = {"location_id": 1, "counted_on": CLOSED, "updated_at": noon(CLOSED)}
        db.add(StockDay(**item, **at, available=left))


def _orders(db: Session, installed: Shop, sold: Sales) -> None:
    """Three products an order, so that a day has a handful of them."""
    orders, lines = [], []
    for d, day in enumerate(sold.days[:DAYS]):
        bought = [(1001 + n, int(units)) for n, units in enumerate(sold.units[:, d]) if units]
        for part in range(0, len(bought), 3):
            key = {"shop_id": installed.id, "order_id": 10_000 + d * 40 + part}
            at = {"created_at": noon(day), "created_on": day}
            orders.append({**key, **at, "updated_at": noon(day), "total_amount": 40})
            for line_id, (product_id, units) in enumerate(bought[part : part + 3]):
                what = {"line_id": line_id, "product_id": product_id, "units": units, "price_amount": 9.5}
                lines.append({**key, **at, **what})
    insert_many(db, Order, orders)
    insert_many(db, OrderLine, lines)


def _heard(db: Session, installed: Shop, heard_at: datetime) -> None:
    values = {"state": "done", "orders_expected": 1000, "orders_read": 1000, "reached_on": CLOSED}
    db.add(Backfill(shop_id=installed.id, started_at=noon(CLOSED), finished_at=noon(sold_since()), **values))
    db.add(
        Event(
            shop=installed.domain,
            topic="orders/create",
            delivery_key="k1",
            received_at=heard_at,
            signature=b"",
            secret_used="current",
            state="done",
        )
    )


def sold_since() -> date:
    """The first day of the past."""
    return CLOSED - timedelta(days=DAYS - 1)


def _versions(db: Session, installed: Shop, bundle: str) -> Version:
    """Three versions of each task: one retired, one sabotaged and rolled back, one in charge, and a shadow."""
    for task in Task:
        made = [_register(db, installed, task, n, bundle) for n in range(4)]
        for n, version in enumerate(made[:2]):
            installed.business_on = CLOSED - timedelta(days=30 - 16 * n)
            reason = "the shop's first version" if n == 0 else "passed every gate after 2 days in the shadow"
            registry.promote(db, installed, task, version.number, actor=registry.MACHINE, reason=reason)
        installed.business_on = CLOSED - timedelta(days=6)
        registry.promote(db, installed, task, 3, actor="staff 42", reason="chosen by hand")
        installed.business_on = CLOSED - timedelta(days=4)
        _alert(db, installed, made[2])
        registry.roll_back(db, installed, task, actor="flow", reason="Flow action roll back model", expected_number=3)
        installed.business_on = TODAY
        registry.start_shadow(db, installed, made[3], "version 4 passed its gates")
        db.flush()
    return made_champion(db, installed)


def made_champion(db: Session, installed: Shop) -> Version:
    """The forecast version in charge."""
    slot = db.get_one(Slot, (installed.id, Task.FORECAST))
    return db.get_one(Version, slot.champion_id)


def _register(db: Session, installed: Shop, task: Task, n: int, bundle: str) -> Version:
    forecast = {
        "store_week": {"accuracy": 0.91, "naive_accuracy": 0.86, "bias": -0.01, "coverage": 0.83},
        "product_week": {"accuracy": 0.61 + n / 100, "naive_accuracy": 0.49, "bias": -0.02, "coverage": 0.81},
        "product_28d": {"accuracy": 0.78 + n / 100, "naive_accuracy": 0.66, "bias": -0.01, "coverage": 0.79},
        "lineage": {
            "total_leader": "yearly",
            "total_because": "yearly leads the total, nobody is 20% better over 13 past origins: yearly 0.110",
        },
    }
    recommend = {"product_page": {"ndcg_10": 0.31, "popular_ndcg_10": 0.12}}
    trained = registry.Trained(
        task=task,
        algorithm="xgb" if task == Task.FORECAST else "together",
        config={},
        seed=1,
        cause=["history read", "500 new orders", "new business day", "new business day"][n],
        snapshot_id="5" * 64,
        code_version="1" * 40,
        bundle=bundle,
        metrics=forecast if task == Task.FORECAST else recommend,
        cutoff_on=CLOSED - timedelta(days=30 - 8 * n),
        orders_at_fit=700 + 210 * n,
        cpu_seconds=11.4,
    )
    version = registry.register(db, installed, trained)
    why = "every value is finite and below three times what was ever sold"
    version.gates = [{"name": "sanity", "verdict": "pass", "numbers": {}, "why": why}]
    return version


def _alert(db: Session, installed: Shop, about: Version) -> None:
    message = (
        f"Version {about.number} is wrong by 118% of units sold since 9 Nov; version 2 would have been wrong by 41%."
    )
    numbers = {"accuracy": -0.18, "previous_accuracy": 0.59, "target": 0.59, "days": 3}
    alerts.raise_alert(db, installed, about, "act", message, numbers)
    properties = {"task": about.task, "expected_version": about.number}
    reply = {"changed": True, "reason": "rolled back to version 2"}
    db.add(
        FlowRun(
            shop_id=installed.id,
            action_run_id=f"run-{about.task}",
            handle="roll-back-model",
            properties=properties,
            reply=reply,
            received_at=noon(CLOSED - timedelta(days=4)),
        )
    )


def alarm(db: Session, installed: Shop) -> None:
    """The version in charge does worse than the one before it, and nothing has settled that yet."""
    about = made_champion(db, installed)
    numbers = {"accuracy": 0.31, "previous_accuracy": 0.58, "target": 0.58, "days": 2}
    message = "Forecast version 2 is wrong by 69% of units sold since 14 Nov; version 1 would have been wrong by 42%."
    alerts.raise_alert(db, installed, about, "act", message, numbers)


def _runs(db: Session, objects: Objects, version: Version) -> None:
    for folder in _forecasts():
        forecasts.keep(db, version, "5" * 64, forecasts.put(objects, folder), was_champion=True)


@cache
def _forecasts() -> list[Path]:
    """What was forecast on each of the last evenings, in folders as `ml` writes them; the same for every shop."""
    rng, sold, folders = np.random.default_rng(3), sales(), []
    for n in range(RUNS):
        origin = CLOSED - timedelta(days=RUNS - 1 - n)
        start = sold.days.index(origin) + 1
        mean = sold.expected[:, start : start + HORIZON] * rng.lognormal(0, 0.08, (len(TITLES), 1))
        if n in (RUNS - 7, RUNS - 6):
            mean = mean[::-1]
        folder = Path(tempfile.mkdtemp(prefix="forecast-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _write(folder, origin, mean)
        folders.append(folder)
    return folders


def _write(folder: Path, origin: date, mean: np.ndarray) -> None:
    days, windows = [], []
    for series, values in [
        *zip(range(1001, 1001 + len(TITLES)), mean, strict=True),
        (forecasts.TOTAL, mean.sum(axis=0)),
    ]:
        key = {"series": str(series), "origin": origin}
        for n, value in enumerate(values):
            days.append({**key, "ds": origin + timedelta(days=n + 1), **_spread(value)})
        spans = [(first, 7) for first in range(HORIZON - 6)] + [(0, HORIZON)]
        for first, length in spans:
            on = origin + timedelta(days=first + 1)
            total = values[first : first + length].sum()
            windows.append({**key, "first": on, "days": length, **_spread(total)})
    pd.DataFrame(days).to_parquet(folder / "forecasts.parquet")
    _explain(mean).assign(origin=origin).to_parquet(folder / explain.FILE)
    pd.DataFrame(windows).to_parquet(folder / "windows.parquet")
    numbers = range(len(mean))
    types = [({"type": kind}, list(numbers)[n :: len(TYPES)]) for n, kind in enumerate(TYPES)]
    _by_group(origin, mean, types).to_parquet(folder / forecasts.FILES["types_sha256"])
    told = [({"collection": number, "title": title}, place) for place, (number, title) in enumerate(COLLECTIONS)]
    collections = [(key, [n for n in numbers if _is_in(n, place)]) for key, place in told]
    _by_group(origin, mean, collections).to_parquet(folder / forecasts.FILES["collections_sha256"])


def _by_group(origin: date, mean: np.ndarray, groups: list[tuple[dict[str, Any], list[int]]]) -> pd.DataFrame:
    """What `ml.forecast.groups` writes of groups: what they are called, and which products are theirs."""
    rows = []
    for name, mine in groups:
        values = mean[mine].sum(axis=0)
        key = {**name, "products": len(mine), "origin": origin}
        for days in (1, 7, HORIZON):
            for first in range(0, HORIZON, days):
                on = origin + timedelta(days=first + 1)
                rows.append({**key, "first": on, "days": days, **_spread(values[first : first + days].sum())})
    return pd.DataFrame(rows)


def _explain(mean: np.ndarray) -> pd.DataFrame:
    """The level explains nine tenths of each product, season and price the rest."""
    whole = mean.sum(axis=1)
    share = {"level": 0.9, "season": 0.25, "price": -0.15}
    parts = {part: share.get(part, 0.0) * whole for part in explain.PARTS}
    facts = dict.fromkeys(explain.FACTS, 0.0) | {"per_day": 0.9 * whole / HORIZON, "price_change": 0.08}
    facts |= {"best_weekday": 5, "best_times": 1.4}
    names = [str(1001 + n) for n in range(len(TITLES))]
    return pd.DataFrame({"series": names, "days": HORIZON, "mean": whole, **parts, **facts})


def _spread(mean: float) -> dict[str, float]:
    half = 1.28 * math.sqrt(mean + mean**2 / 60)
    return {"mean": mean, "p10": max(mean - half, 0.0), "p50": mean, "p90": mean + half}


def _evenings(db: Session, installed: Shop, sold: Sales) -> None:
    for n in range(28):
        day = CLOSED - timedelta(days=n)
        end = sold.days.index(day) + 1
        actual = float(sold.units[:, end - 7 : end].sum())
        was_shuffled = 2 <= n <= 5
        for level, reached in (("product_week", 0.6), ("store_week", 0.93), ("product_28d", 0.76)):
            accuracy = reached - 0.02 * math.sin(n) - (0.45 if was_shuffled and level != "store_week" else 0.0)
            db.add(
                Evaluation(
                    shop_id=installed.id,
                    task=Task.FORECAST,
                    version_id=SERVED,
                    role="served",
                    level=level,
                    evaluated_on=day,
                    window_days=7,
                    orders=103,
                    actual_units=actual,
                    forecast_units=actual * 0.98,
                    accuracy=accuracy,
                    baseline_accuracy=None if level == "product_28d" else reached - 0.12 + 0.03 * math.cos(n),
                    bias=-0.02,
                    coverage=0.8,
                    created_at=noon(day),
                    numbers={},
                )
            )


def _lists(db: Session, installed: Shop) -> None:
    slot = db.get_one(Slot, (installed.id, Task.RECOMMEND))
    ids = [1001 + n for n in range(len(TITLES))]
    for n, product_id in enumerate(ids[:-2]):
        near = [ids[(n + step) % len(ids)] for step in range(1, 11)]
        db.add(
            PublishedList(
                shop_id=installed.id,
                product_id=product_id,
                neighbours=near,
                digest="d",
                version_id=slot.champion_id,
                published_at=noon(TODAY),
            )
        )
    for n in range(40):
        shadowed = n % 20 == 0
        db.add(
            Exposure(
                shop_id=installed.id,
                request_id=f"r{n}",
                answered_at=noon(TODAY),
                answered_on=TODAY,
                asked=[1001],
                version_id=slot.champion_id,
                answer=ids[1:9],
                shadow_id=slot.shadow_id if shadowed else None,
                shadow_answer=ids[2:10] if shadowed else None,
                overlap=0.875 if shadowed else None,
                microseconds=900 + n,
            )
        )
    db.add(
        Evaluation(
            shop_id=installed.id,
            task=Task.RECOMMEND,
            version_id=slot.champion_id,
            role="champion",
            level="retained",
            evaluated_on=CLOSED,
            window_days=4,
            orders=412,
            actual_units=412,
            forecast_units=120,
            accuracy=0.97,
            created_at=noon(CLOSED),
            numbers={"hits": 120, "fresh_hits": 124},
        )
    )
