"""One answer for a cart of three among 100,000 products: in process, and through the app proxy's route at 300 a second.

Rounds with the 5 % shadow and without it take turns on one server, so that whatever else the machine does hits both.
An answer's milliseconds count from when its request was due. They mean something only while nothing else runs:
`load_average` says what did, and `bare` what the same load on /healthz, which does next to nothing, took meanwhile.
`selling` is with the shadow, while a product changes every second, as in a shop that sells.
Exposures are counted against the answers: what is written behind them is part of the measurement.
"""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import func, select

from bench import proxy_load, scratch_databases, servers
from bench.webhook_load import Heard
from ml.bundles import Trained
from ml.recommend import lists
from ml.recommend.neighbours import NeighbourTable
from shopify_app import clock, up
from shopify_app.config import Settings
from shopify_app.db import Database, insert_many
from shopify_app.lifecycle import registry
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.serving import Serving
from shopify_app.records import parts, shops
from shopify_app.records.shops import ShopFacts
from shopify_app.tables import Exposure, Product, Shop, Version

SECRET = "shpss_of_the_serving_bench"
PRODUCTS, WIDTH, CART, SHOWN = 100_000, 50, 3, 8
PER_SECOND, CONNECTIONS = 300, 16
ROUNDS, SECONDS = 5, 8
ANSWERS = 5_000
CHECKOUT_MS = 100.0
"""What checkout flows ask of whoever recommends in them."""
SHADOW = 0.05
RULES: dict[str, dict[str, Any]] = {
    "left_out_band_and_variety": {
        "excluded_tags": ["tag 3"],
        "cheapest_percent": 50,
        "dearest_percent": 200,
        "most_of_a_type": 2,
        "most_of_a_vendor": 2,
    },
    "same_vendor": {"vendor": "same", "excluded_tags": ["tag 3"], "most_of_a_type": 2},
}
"""The second leaves little, so that an answer goes through all that there is."""
NAMES = ("shadow_on", "shadow_off", "selling")
BARE = b"GET /healthz HTTP/1.1\r\nHost: app.example.com\r\n\r\n"


def measure() -> dict[str, Any]:
    """Microseconds of thread CPU in process; p50 and p99 in milliseconds through the route, shadow on and off."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with scratch_databases.sqlite(folder) as database:
            ids = _shop(database, folder)
            in_process = _in_process(database, folder, ids)
            with_rules = {name: _ruled(database, folder, ids, rules) for name, rules in RULES.items()}
            with _server(folder, database) as (port, process):
                through = _through_the_route(port, process, database, ids)
    return {"load_average": os.getloadavg()[0], "in_process": in_process, "with_rules": with_rules, **through}


def _in_process(database: Database, folder: Path, ids: list[int]) -> dict[str, Any]:
    serving = Serving(database, scratch_databases.settings(database.url, folder))
    spent = []
    for number, cart in enumerate(_carts(ids, ANSWERS + 200, 1)):
        before = time.thread_time_ns()
        answer = serving.recommend(proxy_load.SHOP, cart, SHOWN, f"in-process-{number}")
        spent.append((time.thread_time_ns() - before) / 1e6)
        if len(answer.product_ids) != SHOWN or set(answer.product_ids) & set(cart):
            raise RuntimeError(f"cart {cart} was answered with {answer.product_ids}")
        if number % 100 == 0:
            serving.flush()
    serving.flush()
    warm = sorted(spent[200:])
    return {
        "cpu_ms_mean": round(statistics.mean(warm), 4),
        "cpu_ms_p50": round(statistics.median(warm), 4),
        "cpu_ms_p99": round(warm[int(0.99 * len(warm))], 4),
    }


def _ruled(database: Database, folder: Path, ids: list[int], rules: dict[str, Any]) -> dict[str, Any]:
    """The same while a merchant's rules are in force, of which two products are pinned."""
    with database.transaction() as db:
        db.scalars(select(Shop)).one().settings = {"rules": {**rules, "pinned": ids[:2]}}
    try:
        return _in_process(database, folder, ids)
    finally:
        with database.transaction() as db:
            db.scalars(select(Shop)).one().settings = {}


def _through_the_route(port: int, process: int, database: Database, ids: list[int]) -> dict[str, Any]:
    rounds: dict[str, list[Heard]] = {name: [] for name in (*NAMES, "bare")}
    written, answered = _exposures(database), 0
    spent, loads = 0.0, []
    for number in range(ROUNDS + 1):  # the first one warms up
        for name in NAMES if number % 2 else NAMES[::-1]:
            _set_share(database, 0.0 if name == "shadow_off" else SHADOW)
            carts = _carts(ids, PER_SECOND * (SECONDS if number else 2), number)
            before = servers.cpu_seconds(process)
            with _selling(database) if name == "selling" else nullcontext():
                heard = _send(port, proxy_load.requests(carts, SECRET.encode()))
            answered += len(carts)
            if number:
                spent += servers.cpu_seconds(process) - before
                loads.append(os.getloadavg()[0])
                rounds[name].append(heard)
        if number:
            rounds["bare"].append(_send(port, [BARE] * (PER_SECOND * 2)))
    time.sleep(1.0)
    figures: dict[str, Any] = {name: _told(some) for name, some in rounds.items()}
    asked = sum(len(one.seconds) for name in NAMES for one in rounds[name])
    return {
        **figures,
        "on_over_off_p50": _ratio(rounds, 0.5),
        "on_over_off_p99": _ratio(rounds, 0.99),
        "share_of_checkouts_100_ms": round(figures["shadow_on"]["p99_ms"] / CHECKOUT_MS, 3),
        "server_cpu_ms_per_answer": round(1000 * spent / asked, 3),
        "answered": answered,
        "exposures_written": _exposures(database) - written,
        "load_averages": [round(load, 1) for load in loads],
    }


def _send(port: int, requests: list[bytes]) -> Heard:
    heard = proxy_load.send(port, requests, PER_SECOND, CONNECTIONS)
    if heard.answers != {"200": len(requests)}:
        raise RuntimeError(f"not every request was answered: {dict(heard.answers)}")
    return heard


def _told(rounds: list[Heard]) -> dict[str, Any]:
    """Of all answers together, and each round's p99."""
    whole = Heard(seconds=[second for one in rounds for second in one.seconds])
    return {
        "p50_ms": whole.milliseconds(0.5),
        "p99_ms": whole.milliseconds(0.99),
        "p99_ms_of_rounds": [one.milliseconds(0.99) for one in rounds],
    }


def _ratio(rounds: dict[str, list[Heard]], share: float) -> float:
    """The middle one of the rounds' ratios: a round and its neighbour saw the same machine."""
    pairs = zip(rounds["shadow_on"], rounds["shadow_off"], strict=True)
    return round(statistics.median(on.milliseconds(share) / off.milliseconds(share) for on, off in pairs), 3)


def _carts(ids: list[int], count: int, seed: int) -> list[list[int]]:
    return [[ids[place] for place in row] for row in np.random.default_rng(seed).integers(0, len(ids), (count, CART))]


def _exposures(database: Database) -> int:
    with database.reading() as db:
        return db.scalar(select(func.count()).select_from(Exposure)) or 0


def _set_share(database: Database, share: float) -> None:
    """The running server sees it within half a second."""
    with database.transaction() as db:
        db.scalars(select(Shop)).one().settings = {"shadow_share": share}
    time.sleep(0.5)


@contextmanager
def _selling(database: Database) -> Iterator[None]:
    """Another state of the catalogue every second."""
    over = threading.Event()

    def sell() -> None:
        while not over.wait(1.0):
            with database.transaction() as db:
                parts.catalogue_changed(db, db.scalars(select(Shop.id)).one())

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield
    finally:
        over.set()
        seller.join()


def _shop(database: Database, folder: Path) -> list[int]:
    """A shop with 100,000 products, a tenth of them sold out, a champion and a shadow. Returns its product ids."""
    random = np.random.default_rng(0)
    ids = np.sort(random.choice(10**12, PRODUCTS, replace=False)) + 7 * 10**12
    left = random.integers(0, 10, PRODUCTS)
    settings = scratch_databases.settings(database.url, folder)
    with database.transaction() as db:
        facts = ShopFacts("Bench", "EUR", "UTC", "DE")
        shop = shops.install(db, proxy_load.SHOP, facts, "read_products", clock.now())
        parts.catalogue_changed(db, shop.id)
        insert_many(db, Product, [_product(shop, *one) for one in zip(ids.tolist(), left.tolist(), strict=True)])
        champion, shadow = (_version(db, shop, _bundle(settings, ids, seed)) for seed in (1, 2))
        registry.promote(db, shop, "recommend", champion.number, actor="bench", reason="bench")
        registry.start_shadow(db, shop, shadow, "bench")
    return [int(product) for product in ids]


def _product(shop: Shop, product_id: int, left: int) -> dict[str, Any]:
    """One of ten vendors and 31 types, and of any price from 5 to 55."""
    kind = {"vendor": f"Vendor {product_id % 10}", "product_type": f"Type {product_id % 31}"}
    whole = {"title": f"Product {product_id}", "is_published": True, "units_in_stock": left, **kind}
    price, tags = 5.0 + product_id % 101 / 2, [f"tag {product_id % 23}"]
    return {
        "shop_id": shop.id,
        "product_id": product_id,
        "price_amount": price,
        "tags": tags,
        "updated_at": clock.now(),
        **whole,
    }


def _bundle(settings: Settings, ids: Any, seed: int) -> str:
    """Lists of 50 without meaning: what they hold costs the same."""
    random, shape = np.random.default_rng(seed), (PRODUCTS, WIDTH)
    scores = np.sort(random.random(shape, np.float32), axis=1)[:, ::-1].copy()
    neighbours = random.integers(0, PRODUCTS, shape, np.int32)
    table = NeighbourTable(ids, neighbours, scores, np.ones(shape, np.int32), random.choice(ids, 200, replace=False))
    made = settings.var / f"lists-{seed}"
    lists.write(Trained(made, "recommend", "table", {}, seed, None, {}, "bench"), table)
    return Bundles(settings).keep(made)


def _version(db: Any, shop: Shop, bundle: str) -> Version:
    return registry.register(
        db,
        shop,
        registry.Trained(
            task="recommend",
            algorithm="table",
            config={},
            seed=1,
            cause="bench",
            snapshot_id="0" * 64,
            code_version="bench",
            bundle=bundle,
            metrics={},
            cutoff_on=registry.today(shop),
            orders_at_fit=0,
            cpu_seconds=0.0,
        ),
    )


@contextmanager
def _server(folder: Path, database: Database) -> Iterator[tuple[int, int]]:
    """Our web server exactly as `up` starts it."""
    settings = {
        "SHOPIFY_API_KEY": "bench",
        "SHOPIFY_API_SECRET": SECRET,
        "APP_URL": "https://app.example.com",
        "DATABASE_URL": database.url,
        "FORETALLY_VAR": str(folder),
    }
    port = servers.free_port()
    with servers.web(up.web_command("127.0.0.1", port), port, folder / "web.log", **settings) as process:
        yield port, process
