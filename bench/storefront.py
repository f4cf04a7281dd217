"""What the blocks cost a shopper: requests, bytes, layout shift, Lighthouse; the local storefront with and without.

Needs Chromium. Lighthouse is taken from node_modules or from the folder that LIGHTHOUSE names
(`npm install --prefix FOLDER lighthouse@13.5.0`; it is too large to be a dependency); without it there are no scores.
"""

import gzip
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Request, sync_playwright

from bench.servers import ROOT
from devstore.config import AppConfig, ShopConfig
from devstore.gid import gid
from devstore.sales.synthetic import SyntheticSales
from devstore.server import DevStore
from devstore.shop import Shop

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
EXTENSION = ROOT / "extensions" / "recommendations"
WIDTHS = (1280, 390)
RUNS = 3
LIST = 8
SCORES = ("performance", "accessibility", "best-practices")
VARIANTS: dict[str, tuple[bool, tuple[str, ...]]] = {
    "without": (False, ()),
    "blocks": (True, ()),
    "blocks and script": (True, ("script",)),
}
"""Whether the app is installed, and which embeds are on."""
SHIFTS = """
  window.moved = 0;
  new PerformanceObserver((list) => list.getEntries()
    .forEach((one) => { if (!one.hadRecentInput) window.moved += one.value; }))
    .observe({ type: 'layout-shift', buffered: true });
"""


def measure() -> dict[str, Any]:
    """Figures per variant and page, what the blocks add, and the sizes of what they are made of."""
    found: dict[str, Any] = {"pages": {}}
    for variant, (installed, embeds) in VARIANTS.items():
        with storefront(installed, embeds) as (shop, root):
            found["pages"][variant] = _pages(shop, root)
    return found | {"added": _added(found["pages"]), "size": _sizes(), "lighthouse_runs": RUNS if _lighthouse() else 0}


@contextmanager
def storefront(installed: bool, embeds: tuple[str, ...]) -> Iterator[tuple[Shop, str]]:
    """A made-up shop whose products have lists, and where it is. The app only answers carts, with nothing to change."""
    answering = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    threading.Thread(target=answering.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{answering.server_port}"
    app = AppConfig("foretally", "secret", address, ROOT / "shopify.app.toml", embeds=embeds)
    store = DevStore([ShopConfig("bench", SyntheticSales())], app)
    shop = store.shop("bench")
    if installed:
        shop.install()
        publish(shop)
    try:
        yield shop, f"{store.start()}/s/bench"
    finally:
        store.stop()
        answering.shutdown()
        answering.server_close()


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """What the app would say to a cart."""
        body = b'{"product_ids": [], "version": 1}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def publish(shop: Shop) -> None:
    """A list for each product, the next ones in the catalogue, and one for the shop."""
    ids = [product.product_id for product in shop.products.all()]
    known = {gid("Product", one) for one in ids}
    for place, product_id in enumerate(ids):
        near = (ids[place + 1 :] + ids)[: 2 * LIST]
        _set(shop, gid("Product", product_id), near, known)
    _set(shop, gid("Shop", shop.shop_id), ids[: 2 * LIST], known)


def _set(shop: Shop, owner: str, product_ids: list[int], known: set[str]) -> None:
    value = json.dumps([gid("Product", one) for one in product_ids])
    write = {"ownerId": owner, "namespace": "$app", "key": "recommendations", "type": "list.product_reference"}
    shop.metafields.set([{**write, "value": value}], known)


def _pages(shop: Shop, root: str) -> dict[str, Any]:
    bought = list(islice((one for one in shop.products.all() if shop.products.available(one) > 0), 3))
    paths = {"product": f"/products/{bought[0].handle}", "home": "/", "cart": "/cart"}
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        cart = _fill_cart(chromium, root, [one.variant_id for one in bought])
        seen = {page: _visit(chromium, root, path, cart) for page, path in paths.items()}
        chromium.close()
    for page, path in paths.items():
        seen[page]["lighthouse"] = _scores(root + path, cart)
    return seen


def _fill_cart(chromium: Browser, root: str, variants: list[int]) -> str:
    """The cookie of a cart that holds these, as the shop wrote it."""
    context = chromium.new_context()
    for variant in variants:
        context.request.post(f"{root}/cart/add.js", form={"id": str(variant)})
    (cookie,) = context.cookies()
    context.close()
    return str(cookie.get("value"))


def _visit(chromium: Browser, root: str, path: str, cart: str) -> dict[str, Any]:
    """One visit per width, scrolled to its end: what was asked for, and how much moved."""
    told: dict[str, Any] = {"layout_shift": {}}
    for width in WIDTHS:
        context = chromium.new_context(viewport={"width": width, "height": 800})
        context.add_cookies([{"name": "cart", "value": cart, "url": root}])
        context.add_init_script(SHIFTS)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", _noting(asked))
        answer = page.goto(root + path, wait_until="networkidle")
        assert answer is not None
        for share in range(1, 11):
            page.evaluate(f"scrollTo(0, document.body.scrollHeight * {share / 10})")
            page.wait_for_timeout(60)
        page.wait_for_load_state("networkidle")
        told["layout_shift"][str(width)] = round(page.evaluate("window.moved"), 4)
        told["html_gzipped"] = len(gzip.compress(answer.body()))
        told["requests"] = len([kind for kind in asked if kind != "image"])
        told["pictures"] = asked.count("image")
        context.close()
    return told


def _noting(asked: list[str]) -> Callable[[Request], None]:
    return lambda request: asked.append(request.resource_type)


def _scores(address: str, cart: str) -> dict[str, float] | None:
    """The median of several runs on an emulated phone, or nothing where Lighthouse is not."""
    program = _lighthouse()
    if program is None:
        return None
    runs = [_run(program, address, cart) for _ in range(RUNS)]
    return {name: round(median(run[name] for run in runs), 3) for name in runs[0]}


def _run(program: Path, address: str, cart: str) -> dict[str, float]:
    command = [
        *("node", str(program), address, "--output=json", "--quiet"),
        *("--chrome-flags=--headless --no-sandbox --disable-gpu", f"--only-categories={','.join(SCORES)}"),
        *("--extra-headers", json.dumps({"Cookie": f"cart={cart}"})),
    ]
    environ = {**os.environ, "CHROME_PATH": CHROMIUM}
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout)
    scores = {name: 100 * told["categories"][name]["score"] for name in SCORES}
    audits = told["audits"]
    return scores | {
        "largest_paint_ms": audits["largest-contentful-paint"]["numericValue"],
        "blocking_ms": audits["total-blocking-time"]["numericValue"],
        "layout_shift": audits["cumulative-layout-shift"]["numericValue"],
    }


def _lighthouse() -> Path | None:
    folders = [ROOT, *([Path(named)] if (named := os.environ.get("LIGHTHOUSE")) else [])]
    programs = (folder / "node_modules" / "lighthouse" / "cli" / "index.js" for folder in folders)
    return next((program for program in programs if program.is_file()), None)


def _added(pages: dict[str, Any]) -> dict[str, Any]:
    """Each variant against the page without."""
    bare = pages["without"]
    return {
        variant: {page: _against(bare[page], seen) for page, seen in pages[variant].items()}
        for variant in VARIANTS
        if variant != "without"
    }


def _against(bare: dict[str, Any], seen: dict[str, Any]) -> dict[str, float]:
    told = {name: seen[name] - bare[name] for name in ("requests", "pictures", "html_gzipped")}
    if seen["lighthouse"] and bare["lighthouse"]:
        told |= {f"{name}_points": round(seen["lighthouse"][name] - bare["lighthouse"][name], 1) for name in SCORES}
    return told


def _sizes() -> dict[str, int]:
    script = (EXTENSION / "assets" / "recommendations.js").read_bytes()
    liquid = b"".join(path.read_bytes() for path in EXTENSION.glob("*/*.liquid"))
    styles = (EXTENSION / "snippets" / "foretally-style.liquid").read_bytes()
    return {
        "script_gzipped": len(gzip.compress(script)),
        "script_lines": len(script.splitlines()),
        "styles_gzipped": len(gzip.compress(styles)),
        "liquid": len(liquid),
    }
