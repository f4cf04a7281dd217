"""The products of an order file: their names, prices and first day, worked out from its lines."""

from collections import Counter
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from devstore.sales import money, selections
from devstore.sales.arrays import Ints, Small
from devstore.sales.model import Collection, Product
from devstore.sales.moments import DAY, moment
from devstore.sales.naming import last_noun, readable, slug
from devstore.sales.orders import INVENTORY_ITEM_BASE, PRODUCT_BASE, VARIANT_BASE
from devstore.sales.sold_lines import Named, SoldLines

COMMON_TYPE = 5
"""A last word makes a product type when at least this many products end with it."""


@dataclass(frozen=True)
class Shelf:
    """Products in ascending order of their id; `position` tells for each line which one it sold."""

    products: tuple[Product, ...]
    first_day: Ints
    """Ordinal of the day each product was first sold."""
    position: Small


def stocked(lines: SoldLines, zone: ZoneInfo) -> Shelf:
    """The products behind these lines."""
    ids, position = _numbered(lines)
    titles = [readable(title) if title.isupper() else title for title in _most_common(position, lines.title, len(ids))]
    types = _types(lines, position, titles)
    cents, first = _median_cents(position, lines.cents), _first_day(position, lines.created, len(ids))
    collections = selections.of_titles(titles, cents.tolist())
    products = tuple(
        _product(ids.item(at), titles[at], types[at], collections[at], cents.item(at), first.item(at), zone)
        for at in range(len(ids))
    )
    return Shelf(products, first, position)


def _numbered(lines: SoldLines) -> tuple[Ints, Small]:
    """Ids of the products that were sold, ascending, and each line's place among them.

    Several names may stand for one id ("79323p" and "79323P"), and some names were never sold.
    """
    sold = np.unique(lines.product.position)
    ids = np.unique(lines.product.ids[sold])
    place = np.zeros(len(lines.product.ids), dtype=np.int32)
    place[sold] = np.searchsorted(ids, lines.product.ids[sold])
    return ids, place[lines.product.position]


def _product(
    product_id: int,
    name: str,
    product_type: str,
    collections: tuple[Collection, ...],
    cents: int,
    first_day: int,
    zone: ZoneInfo,
) -> Product:
    code = _code(product_id)
    title = name or f"Product {code}"
    return Product(
        product_id=product_id,
        variant_id=VARIANT_BASE + product_id % PRODUCT_BASE,
        inventory_item_id=INVENTORY_ITEM_BASE + product_id % PRODUCT_BASE,
        title=title,
        handle=f"{slug(title)}-{code}".lower(),
        product_type=product_type,
        vendor="",
        tags=(),
        sku=code,
        price=money.text(cents),
        created_at=moment(first_day * DAY, zone),
        collections=collections,
    )


def _code(product_id: int) -> str:
    """The stock code behind a product number, or the number itself where there was none."""
    digits, letters = divmod(product_id - PRODUCT_BASE, 1000)
    if not 0 <= digits < 100_000:
        return str(product_id)
    return f"{digits:05d}" + "".join(chr(ord("A") + part - 1) for part in divmod(letters, 27) if part)


def _most_common(position: Small, column: Named, products: int) -> list[str]:
    """For each product the text that stands on most of its lines; "" where none does."""
    texts: dict[str, int] = {}
    same = [texts.setdefault(" ".join(value.split()), len(texts)) for value in column.values]
    written = column.position >= 0
    text = np.array([*same, 0], dtype=np.int64)[column.position[written]]
    pairs, counts = np.unique(position[written] * (len(texts) + 1) + text, return_counts=True)
    best, names = [""] * products, list(texts)
    for pair in pairs[np.argsort(counts, kind="stable")].tolist():
        product, chosen = divmod(pair, len(texts) + 1)
        best[product] = names[chosen]
    return best


def _types(lines: SoldLines, position: Small, titles: list[str]) -> list[str]:
    """What the file says, else what titles end with, where enough of them do."""
    if lines.product_type:
        return _most_common(position, lines.product_type, len(titles))
    words = [last_noun(title) for title in titles]
    common = Counter(words)
    return [word if common[word] >= COMMON_TYPE else "" for word in words]


def _median_cents(position: Small, cents: Small) -> Ints:
    """The middle price of each product; one price for its whole life, so that none changes unannounced."""
    ranked = np.sort((position.astype(np.int64) << 32) + cents)
    starts = np.concatenate([[0], np.cumsum(np.bincount(position))])
    return np.asarray(ranked[(starts[:-1] + starts[1:] - 1) // 2] & 0xFFFFFFFF, dtype=np.int64)


def _first_day(position: Small, created: Ints, products: int) -> Ints:
    first = np.full(products, np.iinfo(np.int64).max)
    np.minimum.at(first, position, created)
    return first // DAY
