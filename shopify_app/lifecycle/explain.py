"""Why a product's list is what it is: what speaks for each product shown, and which rule removed which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from ml.recommend.catalogue import terms
from ml.recommend.neighbours import Neighbour, NeighbourTable
from shopify_app.errors import NotFound
from shopify_app.lifecycle import counted, registry, shelf
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.picking import pick
from shopify_app.lifecycle.publishing import SPARE
from shopify_app.lifecycle.rules import Rules, Ware, ware
from shopify_app.lifecycle.shelf import Shelf, why_unsellable
from shopify_app.policy import Policy
from shopify_app.tables import Product, Shop, Task

NEAR = 50
"""Neighbours looked at: as many as a list holds."""
MOST_SAID = 3
OTHERWISE = {
    "pinned": "You pinned it",
    "neighbour": "Goes with what goes with it",
    "popular": "Sells well in the whole shop",
    "newest": "New in the shop",
}
"""What is said of a product when nothing ties it to this one."""
VIEWED, LOOKED_AT = "viewed", "Often looked at next"
"""The list whose neighbours all say so; it is named here because its module counts with scipy."""
SHORT = 3
"""Words up to this long say little about a product."""


@dataclass(frozen=True)
class Shown:
    """One product of the list, in its place, and what speaks for it. `why` is never empty and fit for a page.

    kind: `pinned`, `neighbour` (the list itself), `popular` (fills a short list) or `newest` (nothing else was left).
    together: orders that held both. similar: words, type, vendor or tags that both have, the most telling first.
    """

    product_id: int
    title: str
    kind: str
    why: tuple[str, ...]
    together: int
    similar: tuple[str, ...]
    in_stock: int | None
    is_shown: bool
    """False for spares, which move up when one before them sells out."""


@dataclass(frozen=True)
class Removed:
    """A product that had its place in the list, or was pinned, and the rule that took it out."""

    product_id: int
    title: str
    rule: str
    """Goes after “because it …”: “is sold out”, “has the tag “clearance””, “costs more than 150 % of it”."""


@dataclass(frozen=True)
class Explanation:
    """One product's list as it would be published this moment."""

    product_id: int
    title: str
    version_number: int
    list_name: str
    """Which recommender's list serves product pages: `blend`, `together`, `content`, `popular`, `table` …"""
    shown: tuple[Shown, ...]
    removed: tuple[Removed, ...]
    """In the order in which they would have been shown."""


def explain(db: Session, bundles: Bundles, shop: Shop, product_id: int) -> Explanation:
    """The list of one product by the version in charge, with its reasons. Reads only; a list is made, none is kept.

    Raises NotFound when the shop has no version in charge, or never had this product.
    """
    table, version = _table(db, bundles, shop)
    on_sale, length = shelf.look(db, shop.id), Policy.of(shop.settings).list_length
    near = {one.product_id: one for one in table.neighbours(product_id, NEAR)}
    chosen = pick(table, [product_id], length * SPARE, on_sale)
    pinned = on_sale.rules.first([product_id])
    known = _products(db, shop.id, {product_id, *chosen, *near, *pinned})
    if product_id not in known:
        raise NotFound(f"{shop.domain} has no product {product_id}")
    viewed = known[product_id]
    popular = {int(one) for one in table.popular}
    list_name = version.metrics.get("places", {}).get("product_page", {}).get("list", version.algorithm)
    shown = [
        _shown(viewed, known[one], near.get(one), one in pinned, one in popular, place < length)
        for place, one in enumerate(chosen)
    ]
    if list_name == VIEWED:
        shown = [_looked_at(one) if one.kind == "neighbour" else one for one in shown]
    return Explanation(
        product_id=product_id,
        title=viewed.title,
        version_number=version.number,
        list_name=list_name,
        shown=tuple(shown),
        removed=tuple(_removed(viewed, known, [*pinned, *near], chosen, on_sale)),
    )


def _table(db: Session, bundles: Bundles, shop: Shop):  # type: ignore[no-untyped-def]
    version = registry.champion(db, shop.id, Task.RECOMMEND)
    if version is None:
        raise NotFound(f"{shop.domain} has no recommendations yet")
    return NeighbourTable.open(bundles.folder(counted.answering(db, version))), version


def _products(db: Session, shop_id: int, product_ids: Iterable[int]) -> dict[int, Product]:
    mine = Product.shop_id == shop_id, Product.product_id.in_(list(product_ids))
    return {product.product_id: product for product in db.scalars(select(Product).where(*mine))}


def _shown(
    viewed: Product, product: Product, near: Neighbour | None, is_pinned: bool, is_popular: bool, is_shown: bool
) -> Shown:
    kind = "pinned" if is_pinned else "neighbour" if near else "popular" if is_popular else "newest"
    together, similar = near.together if near else 0, _similar(viewed, product)
    return Shown(
        product_id=product.product_id,
        title=product.title,
        kind=kind,
        why=tuple(_why(kind, together, similar)),
        together=together,
        similar=similar,
        in_stock=product.units_in_stock,
        is_shown=is_shown,
    )


def _looked_at(shown: Shown) -> Shown:
    said = (one for one in shown.why if one != OTHERWISE["neighbour"])
    return replace(shown, why=(LOOKED_AT, *said))


def _why(kind: str, together: int, similar: Sequence[str]) -> list[str]:
    said = []
    if kind == "pinned":
        said.append("You pinned it")
    if together:
        said.append(f"Bought together in {together:,} order{'s' if together != 1 else ''}")
    if similar and kind != "popular":
        said.append(f"Similar: {', '.join(similar)}")
    return said or [OTHERWISE[kind]]


def _similar(one: Product, other: Product) -> tuple[str, ...]:
    """What describes both, longest first: words that stand in a longer common phrase are not said again."""
    both = terms(one.title) & terms(other.title)
    phrases: list[str] = []
    for term in sorted(both, key=lambda term: (-len(term), term)):
        if len(term) > SHORT and not any(term in longer for longer in phrases):
            phrases.append(term)
    alike = [
        f"{name} {value}"
        for name, value, theirs in (
            ("type", one.product_type, other.product_type),
            ("vendor", one.vendor, other.vendor),
        )
        if value and value.casefold() == theirs.casefold()
    ]
    tags = {tag.casefold() for tag in other.tags}
    alike += [f"tag {tag}" for tag in one.tags if tag.casefold() in tags]
    return tuple([*(f"“{phrase}”" for phrase in phrases), *alike][:MOST_SAID])


def _removed(
    viewed: Product, known: Mapping[int, Product], wanted: Sequence[int], chosen: Sequence[int], on_sale: Shelf
) -> Iterable[Removed]:
    """Those that would have come before the last one shown, were it not for a rule."""
    places = [place for place, one in enumerate(wanted) if one in chosen]
    ahead = wanted[: places[-1]] if places else wanted
    for one in dict.fromkeys(ahead):
        if one not in chosen and one != viewed.product_id:
            product = known.get(one)
            rule = why_unsellable(product) or _ruled_out(viewed, product, on_sale)
            yield Removed(one, product.title if product else f"Product {one}", rule)


def _ruled_out(viewed: Product, product: Product | None, on_sale: Shelf) -> str:
    rules, mine = on_sale.rules, _ware(product) if product else None
    if mine is None:
        return "is not known to us"
    return rules.leaves_out(mine) or rules.unfit(mine, [_ware(viewed)]) or _too_many(rules)


def _too_many(rules: Rules) -> str:
    kinds = [(rules.most_of_a_type, "of one type"), (rules.most_of_a_vendor, "from one vendor")]
    return "would be more than " + " or ".join(f"{most} {kind}" for most, kind in kinds if most) + " in the list"


def _ware(product: Product) -> Ware:
    return ware(product.vendor, product.product_type, product.price_amount, product.tags)
