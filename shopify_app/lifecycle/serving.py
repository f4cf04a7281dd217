"""Answer a request for recommendations from tables; ask the shadow and write exposures after the answer is gone."""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from ml.recommend.customers import AGAIN, KINDS, CustomerTable
from ml.recommend.neighbours import NeighbourTable
from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database, insert
from shopify_app.errors import NotFound
from shopify_app.lifecycle import counted, registry, routing, shelf
from shopify_app.lifecycle.behind import Behind
from shopify_app.lifecycle.bundles import Bundles
from shopify_app.lifecycle.kept import Kept
from shopify_app.lifecycle.picking import pick, pick_own, place
from shopify_app.lifecycle.shelf import Shelf
from shopify_app.lifecycle.slots import peek
from shopify_app.policy import Policy
from shopify_app.records import customers, keys
from shopify_app.tables import Exposure, Shop, ShopState, Task

SLOT_SECONDS = 0.2
"""Half of how long an answer may still come from a version that has just been replaced."""
SHELF_SECONDS = 2.5
"""Half of how long a product that has just sold out may still be recommended."""
TABLES_KEPT = 64
__all__ = ["KINDS", "Answer", "Serving", "Shopper"]


@dataclass(frozen=True)
class Answer:
    """What a shopper is shown, by which version; `shadow_id` when the shadow is asked too."""

    product_ids: tuple[int, ...]
    version_id: int
    version_number: int
    shadow_id: int | None
    list_name: str = ""
    """The customer's own list that was wanted, or the place whose list answered instead."""


@dataclass(frozen=True)
class _Standing:
    """Who answers for a shop just now."""

    shop_id: int
    today: date
    share: float
    champion_id: int
    champion_number: int
    table_bundle: str
    """Where its table is: the version's own bundle, or its lists by newer orders.

    The table itself would stay open for as long as this: five files per shop, and a process may open a thousand.
    """
    champion_bundle: str
    shadow_id: int | None
    shadow_bundle: str | None


@dataclass(frozen=True)
class Shopper:
    """A customer whom Shopify says is signed in, and which of their own lists is wanted: see `customers.KINDS`."""

    customer_id: int = field(repr=False)
    kind: str


@dataclass(frozen=True)
class _Wanted:
    """A customer's own list, by the pseudonym that tables know them by."""

    kind: str
    pseudonym: str = field(repr=False)


@dataclass(frozen=True)
class _Given:
    """An answer on its way to the exposures."""

    standing: _Standing
    request_id: str
    asked: tuple[int, ...]
    answer: Answer
    limit: int
    shelf: Shelf
    answered_at: datetime
    microseconds: int
    wanted: _Wanted | None


class Serving:
    """Recommendations for shoppers. One per process; safe for many threads."""

    def __init__(self, database: Database, settings: Settings, shelf_seconds: float = SHELF_SECONDS) -> None:
        self._database = database
        self._bundles = Bundles(settings)
        self._tables: OrderedDict[str, NeighbourTable] = OrderedDict()
        self._customers: OrderedDict[str, CustomerTable | None] = OrderedDict()
        self._standings = Kept(SLOT_SECONDS, self._read_standing)
        self._shelves = Kept(shelf_seconds, self._look)
        self._lock = threading.Lock()
        self._exposures = Behind(self._write)

    def recommend(
        self, domain: str, product_ids: Sequence[int], limit: int, request_id: str, shopper: Shopper | None = None
    ) -> Answer:
        """Up to `limit` products that go with the given ones, never one of them, never one that cannot be bought.

        For a `shopper`, their own list; to buy again there is nothing else, but who has no personal list is answered
        like anybody. Raises NotFound when the shop is unknown or has no champion yet.
        """
        started = time.perf_counter_ns()
        standing = self._standings.get(domain)
        on_sale = self._shelves.get(standing.shop_id)
        shadow_id = standing.shadow_id if routing.shadows(request_id, standing.share) else None
        wanted = self._known(standing.shop_id, shopper) if shopper else None
        table = self._table(standing.table_bundle)
        chosen, name = self._chosen(table, standing.champion_bundle, product_ids, limit, on_sale, wanted)
        if shopper is not None and shopper.kind == AGAIN and name != AGAIN:
            chosen, name = (), AGAIN
        answer = Answer(chosen, standing.champion_id, standing.champion_number, shadow_id, name)
        microseconds = (time.perf_counter_ns() - started) // 1000
        self._exposures.put(
            _Given(standing, request_id, tuple(product_ids), answer, limit, on_sale, clock.now(), microseconds, wanted)
        )
        return answer

    def forget(self, domain: str) -> None:
        """Read the shop's slot again at the next request."""
        self._standings.forget(domain)

    def forget_shelf(self, shop_id: int) -> None:
        """Look at what the shop may show again at the next request."""
        self._shelves.forget(shop_id)

    def flush(self) -> None:
        """Wait until every exposure so far is written or given up."""
        self._exposures.flush()

    def _read_standing(self, domain: str, before: _Standing | None) -> _Standing:
        with self._database.reading() as db:
            shop = db.scalar(select(Shop).where(Shop.domain == domain))
            if shop is None or shop.state == ShopState.UNINSTALLED:
                raise NotFound(f"{domain} has not installed the app")
            seen = peek(db, shop.id, Task.RECOMMEND)
            champion = registry.by_id(db, shop.id, seen.champion_id if seen else None)
            if seen is None or champion is None:
                raise NotFound(f"{domain} has no recommendations yet")
            shadow = registry.by_id(db, shop.id, seen.shadow_id)
            bundle = counted.answering(db, champion)
            self._table(bundle)  # now, so that lists that cannot be opened are found out before they stand
            standing = _Standing(
                shop_id=shop.id,
                today=registry.today(shop),
                share=Policy.of(shop.settings).shadow_share,
                champion_id=champion.id,
                champion_number=champion.number,
                table_bundle=bundle,
                champion_bundle=champion.bundle,
                shadow_id=shadow.id if shadow else None,
                shadow_bundle=shadow.bundle if shadow else None,
            )
        if before is not None and before.table_bundle not in (bundle, standing.shadow_bundle):
            with self._lock:  # lists change every night: those of yesterday would fill the memory
                self._tables.pop(before.table_bundle, None)
        return standing

    def _known(self, shop_id: int, shopper: Shopper) -> _Wanted | None:
        """The shopper as tables know them. It is asked for each time: who was forgotten is not known a moment later."""
        with self._database.reading() as db:
            secret = keys.find(db, shop_id)
            names = customers.known(db, secret, [shopper.customer_id]) if secret else {}
        return _Wanted(shopper.kind, names[shopper.customer_id]) if names else None

    def _chosen(
        self,
        table: NeighbourTable,
        bundle: str,
        asked: Sequence[int],
        limit: int,
        on_sale: Shelf,
        wanted: _Wanted | None,
    ) -> tuple[tuple[int, ...], str]:
        """What is shown, and the name of the list it came from."""
        own = self._customer_table(bundle) if wanted else None
        if wanted is not None and own is not None:
            found = pick_own(own, wanted.kind, wanted.pseudonym, asked, limit, on_sale)
            if found:
                return found, wanted.kind
        return pick(table, asked, limit, on_sale), place(asked)

    def _look(self, shop_id: int, before: Shelf | None) -> Shelf:
        with self._database.reading() as db:
            return shelf.look(db, shop_id, before)

    def _table(self, bundle: str) -> NeighbourTable:
        """A bundle's table. It is opened, which hashes megabytes, while other shops go on being answered."""
        table = self._tables.get(bundle) or NeighbourTable.open(self._bundles.folder(bundle))
        with self._lock:
            _remember(self._tables, bundle, table)
        return table

    def _customer_table(self, bundle: str) -> CustomerTable | None:
        """The customers' lists of a version's own bundle, opened when the first of them comes."""
        if bundle in self._customers:
            return self._customers[bundle]
        table = CustomerTable.open(self._bundles.folder(bundle))
        with self._lock:
            _remember(self._customers, bundle, table)
        return table

    def _write(self, batch: list[_Given]) -> None:
        rows = [self._row(given) for given in batch]
        with self._database.transaction() as db:
            db.execute(insert(db, Exposure).on_conflict_do_nothing(), rows)

    def _row(self, given: _Given) -> dict[str, Any]:
        shadow_answer, shadow_error = self._ask_shadow(given)
        return {
            "shop_id": given.standing.shop_id,
            "request_id": given.request_id,
            "answered_at": given.answered_at,
            "answered_on": given.standing.today,
            "asked": list(given.asked),
            "version_id": given.answer.version_id,
            "list_name": given.answer.list_name,
            "answer": list(given.answer.product_ids),
            "shadow_id": given.answer.shadow_id,
            "shadow_answer": shadow_answer,
            "shadow_error": shadow_error,
            "overlap": _overlap(given.answer.product_ids, shadow_answer),
            "microseconds": given.microseconds,
        }

    def _ask_shadow(self, given: _Given) -> tuple[list[int] | None, str | None]:
        if given.answer.shadow_id is None or given.standing.shadow_bundle is None:
            return None, None
        try:
            table = self._table(given.standing.shadow_bundle)
            bundle, asked = given.standing.shadow_bundle, given.asked
            return list(self._chosen(table, bundle, asked, given.limit, given.shelf, given.wanted)[0]), None
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"[:200]


def _remember(tables: OrderedDict[str, Any], bundle: str, table: Any) -> None:
    tables[bundle] = table
    tables.move_to_end(bundle)
    while len(tables) > TABLES_KEPT:
        tables.popitem(last=False)


def _overlap(answer: Sequence[int], shadow: Sequence[int] | None) -> float | None:
    if shadow is None or not answer:
        return None
    return len(set(answer) & set(shadow)) / len(answer)
