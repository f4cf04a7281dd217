"""From accepted deliveries to rows: one shop's batch at a time, each event for itself, all in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shopify_app import clock, metrics
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.errors import ObjectsUnavailable
from shopify_app.log import log
from shopify_app.records import archive, erasing, inbox, ingest, leases, payloads, privacy, receipts, scrubbing, shops
from shopify_app.records.erasing import Leftovers
from shopify_app.records.inbox import WHOLE_ORDER
from shopify_app.records.leases import LostLease
from shopify_app.records.objects import Objects, open_objects
from shopify_app.records.payloads import OrderRecord
from shopify_app.records.privacy import Known
from shopify_app.records.seal import CannotOpen, Seal
from shopify_app.tables import Event, Shop, ShopState

Done = TypeVar("Done")


@dataclass(frozen=True)
class Drained:
    """What became of one batch."""

    shop: str
    events: int
    failed: int


class Drain:
    """Empties the inbox. Safe to run in any number of processes: one shop is served by one of them at a time."""

    def __init__(self, database: Database, settings: Settings, objects: Objects | None = None) -> None:
        self._database = database
        self._clock = settings.business_clock
        self._seal = Seal(settings.encryption_keys)
        self._objects = objects or open_objects(settings)
        self._bundles: Path = settings.var / "bundles"

    def all(self, limit: int = 200) -> int:
        """Empty the inbox; how many events that took."""
        total = 0
        while (drained := self.one(limit)) is not None and drained.events:
            total += drained.events
        return total

    def one(self, limit: int = 200) -> Drained | None:
        """Make rows of one batch; None when nothing waits, no events when a large shop is not erased to its end yet.

        Raises LostLease, with nothing done, when too slow.
        """
        with self._database.transaction() as db:
            batch = inbox.claim(db, limit)
        if batch is None:
            return None
        batch = _requests_apart(batch)
        if not self._is_erased(batch):
            return Drained(batch.shop, 0, 0)
        failed, leftovers = self._apply(batch)
        for left in leftovers:
            left.sweep(self._objects, self._bundles)
        if batch.events[0].topic in privacy.TOPICS and self._database.is_sqlite:
            scrubbing.scrub(self._database, clock.now())  # that takes no time; what does is left to the heartbeat
        metrics.events.labels("done").inc(len(batch.events) - len(failed))
        metrics.events.labels("failed").inc(len(failed))
        return Drained(batch.shop, len(batch.events), len(failed))

    def _apply(self, batch: inbox.Batch) -> tuple[set[int], list[Leftovers]]:
        failed: set[int] = set()
        dropped: set[int] = set()
        with self._given_back(batch):
            known = self._prepared(batch)
            with self._database.transaction() as db:
                leftovers = list(self._batch(db, batch, known, failed, dropped))
                if batch.events[0].topic in privacy.TOPICS:
                    scrubbing.owe(db)
                inbox.finish(db, batch, failed, dropped=dropped)
        return failed, leftovers

    @contextmanager
    def _given_back(self, batch: inbox.Batch) -> Iterator[None]:
        """When the block fails, somebody else may have the batch at once."""
        try:
            yield
        except Exception:
            with self._database.transaction() as db:
                inbox.give_back(db, batch)
            raise

    def _prepared(self, batch: inbox.Batch) -> Known | None:
        """What takes long about a request, done while nothing is locked but the shop's events are held.

        Whom it is about, and how many events were sealed. When an event cannot be sealed, the request's own transaction
        finds that out again and says so.
        """
        event = batch.events[0]
        if event.topic not in privacy.TOPICS:
            return None
        try:
            payload = self._payload(event)
        except ValueError:
            return None
        with leases.renewed(partial(archive.hold, self._database, batch), inbox.LEASE):
            sealed = self._beforehand(event, partial(self._sealed, batch)) if event.topic == "customers/redact" else 0
            known = self._beforehand(event, partial(self._identified, event, payload))
        return replace(known, sealed=sealed or 0) if known else None

    def _sealed(self, batch: inbox.Batch) -> int:
        return archive.seal_held(self._database, self._objects, self._seal, batch)

    def _is_erased(self, batch: inbox.Batch) -> bool:
        """Of a whole shop, nearly everything is erased before the request's own transaction, in turns; whether it is.

        What cannot be understood is left to that transaction. Until it is erased, the batch is given back.
        """
        event = batch.events[0]
        if event.topic != erasing.TOPIC:
            return True
        try:
            payload = self._payload(event)
        except ValueError:
            return True
        if not isinstance(payload, Mapping) or payload.get("shop_domain") != event.shop:
            return True
        most = partial(erasing.most, self._database, self._objects, self._bundles, event.shop, event.seq)
        with self._given_back(batch), leases.renewed(partial(archive.hold, self._database, batch), inbox.LEASE):
            is_erased = self._beforehand(event, most) is not False
        if not is_erased:
            with self._database.transaction() as db:
                inbox.give_back(db, batch)
        return is_erased

    def _identified(self, event: Event, payload: Any) -> Known | None:
        with self._database.reading() as db:
            return privacy.identify(db, self._objects, self._seal, event.shop, event.topic, payload)

    def _beforehand(self, event: Event, work: Callable[[], Done]) -> Done | None:
        """Its own trouble stays the request's own: the transaction finds it out again."""
        try:
            return work()
        except (OperationalError, ObjectsUnavailable, LostLease):
            raise
        except Exception:
            log.exception("a request could not be prepared", shop=event.shop, seq=event.seq, topic=event.topic)
            return None

    def _batch(
        self, db: Session, batch: inbox.Batch, known: Known | None, failed: set[int], dropped: set[int]
    ) -> Iterator[Leftovers]:
        """Orders that follow each other are written together, because most of what comes is orders."""
        for are_orders, run in groupby(batch.events, key=lambda event: event.topic in WHOLE_ORDER):
            events = list(run)
            if self._is_gone(db, batch.shop):
                dropped |= {event.seq for event in events if event.topic not in privacy.TOPICS}
                events = [event for event in events if event.topic in privacy.TOPICS]
            if are_orders and len(events) > 1 and self._together(db, batch.shop, events, failed):
                continue
            for event in events:
                if event.seq not in failed:
                    yield self._one_event(db, event, known, failed)

    def _is_gone(self, db: Session, domain: str) -> bool:
        """Whether the shop has uninstalled the app or was erased: what still comes makes no rows and is not kept."""
        shop = shops.by_domain(db, domain)
        return shop.state == ShopState.UNINSTALLED if shop else receipts.was_erased(db, domain)

    def _together(self, db: Session, domain: str, events: Sequence[Event], failed: set[int]) -> bool:
        """False when something is wrong with one of them: then each has to be tried for itself."""
        shop = shops.by_domain(db, domain)
        if shop is None:
            return False
        records: list[OrderRecord] = []
        for event in events:
            try:
                told = payloads.mapping(self._payload(event), "the payload")
                records.append(payloads.order(told, event.triggered_at))
            except ValueError as error:
                self._give_up(db, event, str(error), failed)
        try:
            with db.begin_nested():
                ingest.apply_orders(db, shop, records, business_clock=self._clock)
        except OperationalError:
            raise
        except Exception:
            log.exception("orders could not be written together", shop=domain, first_seq=events[0].seq)
            return False
        return True

    def _one_event(self, db: Session, event: Event, known: Known | None, failed: set[int]) -> Leftovers:
        """The event as rows. Its own trouble stays its own: the others of the batch are unaffected."""
        try:
            with db.begin_nested():
                return self._understand(db, event, known)
        except (OperationalError, ObjectsUnavailable):  # gone, full, a deadlock: no event's fault
            raise
        except ValueError as error:
            self._give_up(db, event, str(error), failed)
        except Exception as error:  # its text may quote what was in the payload, so only its kind is kept
            log.exception("an event could not be applied", shop=event.shop, seq=event.seq, topic=event.topic)
            self._give_up(db, event, f"{type(error).__name__}: see the log", failed)
        return Leftovers()

    def _understand(self, db: Session, event: Event, known: Known | None) -> Leftovers:
        payload = self._payload(event)
        if event.topic in privacy.TOPICS:
            return privacy.comply(db, self._objects, self._seal, event.shop, event.topic, payload, known)
        shop = self._shop(db, event)
        at = event.triggered_at or event.received_at
        ingest.apply(db, shop, event.topic, payload, business_clock=self._clock, at=at, told_at=event.triggered_at)
        return Leftovers()

    def _shop(self, db: Session, event: Event) -> Shop:
        shop = shops.by_domain(db, event.shop)
        if shop is None:
            raise ValueError("this shop has not opened the app")
        return shop

    def _payload(self, event: Event) -> Any:
        try:
            body = inbox.payload_bytes(event, self._seal)
        except CannotOpen as error:
            raise ValueError(str(error)) from None
        try:
            return orjson.loads(body)
        except ValueError as error:
            raise ValueError(f"the body is no JSON: {type(error).__name__}") from None

    def _give_up(self, db: Session, event: Event, error: str, failed: set[int]) -> None:
        failed.add(event.seq)
        if inbox.fail(db, event, error):
            log.warning("an event was parked", shop=event.shop, seq=event.seq, topic=event.topic, error=error[:200])


def _requests_apart(batch: inbox.Batch) -> inbox.Batch:
    """A privacy request by itself, or what came before the first one: it has to find the others as rows."""
    first = next((n for n, event in enumerate(batch.events) if event.topic in privacy.TOPICS), len(batch.events))
    return replace(batch, events=batch.events[: max(first, 1)])
