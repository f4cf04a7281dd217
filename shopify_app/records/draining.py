"""From accepted deliveries to rows: one shop's batch at a time, each event for itself, all in one transaction."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shopify_app import metrics
from shopify_app.config import Settings
from shopify_app.db import Database
from shopify_app.log import log
from shopify_app.records import inbox, ingest, privacy, shops
from shopify_app.records.objects import Objects
from shopify_app.records.privacy import Leftovers
from shopify_app.records.seal import Seal
from shopify_app.tables import Event


@dataclass(frozen=True)
class Drained:
    """What became of one batch."""

    shop: str
    events: int
    failed: int


class Drain:
    """Empties the inbox. Safe to run in any number of processes: one shop is served by one of them at a time."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._clock = settings.business_clock
        self._seal = Seal(settings.encryption_keys)
        self._objects = Objects(settings.objects_folder)
        self._bundles: Path = settings.var / "bundles"

    def all(self, limit: int = 200) -> int:
        """Empty the inbox; how many events that took."""
        total = 0
        while (drained := self.one(limit)) is not None:
            total += drained.events
        return total

    def one(self, limit: int = 200) -> Drained | None:
        """Make rows of one batch; None when nothing waits. Raises LostLease, with nothing done, when too slow."""
        with self._database.transaction() as db:
            batch = inbox.claim(db, limit)
        if batch is None:
            return None
        failed, leftovers = self._apply(batch)
        for left in leftovers:
            left.sweep(self._objects, self._bundles)
        metrics.events.labels("done").inc(len(batch.events) - len(failed))
        metrics.events.labels("failed").inc(len(failed))
        return Drained(batch.shop, len(batch.events), len(failed))

    def _apply(self, batch: inbox.Batch) -> tuple[set[int], list[Leftovers]]:
        failed: set[int] = set()
        try:
            with self._database.transaction() as db:
                leftovers = [self._one_event(db, event, failed) for event in batch.events]
                inbox.finish(db, batch, failed)
        except Exception:
            with self._database.transaction() as db:
                inbox.give_back(db, batch)
            raise
        return failed, leftovers

    def _one_event(self, db: Session, event: Event, failed: set[int]) -> Leftovers:
        """The event as rows. Its own trouble stays its own: the others of the batch are unaffected."""
        try:
            with db.begin_nested():
                return self._understand(db, event)
        except OperationalError:  # the server is gone, the disk is full, a deadlock: no event's fault
            raise
        except ValueError as error:
            self._give_up(db, event, str(error))
        except Exception as error:  # its text may quote what was in the payload, so only its kind is kept
            log.exception("an event could not be applied", shop=event.shop, seq=event.seq, topic=event.topic)
            self._give_up(db, event, f"{type(error).__name__}: see the log")
        failed.add(event.seq)
        return Leftovers()

    def _understand(self, db: Session, event: Event) -> Leftovers:
        payload = _json(inbox.payload_bytes(event, self._seal))
        if event.topic in privacy.TOPICS:
            return privacy.comply(db, self._seal, event.shop, event.topic, payload)
        shop = shops.by_domain(db, event.shop)
        if shop is None:
            raise ValueError("this shop has not opened the app")
        at = event.triggered_at or event.received_at
        ingest.apply(db, shop, event.topic, payload, business_clock=self._clock, at=at)
        return Leftovers()

    def _give_up(self, db: Session, event: Event, error: str) -> None:
        if inbox.fail(db, event, error):
            log.warning("an event was parked", shop=event.shop, seq=event.seq, topic=event.topic, error=error[:200])


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is no JSON: {type(error).__name__}") from None
