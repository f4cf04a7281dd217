"""Is it alive, is it ready, and how much does it do: for machines that watch over it."""

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.records import canary, inbox, jobs, outbox
from shopify_app.tables import Event, EventState, Job, Shop, ShopState, WorkState
from shopify_app.web.state import State, state

bp = Blueprint("health", __name__)

SILENCE = timedelta(seconds=60)
"""A worker that was not heard of for so long is taken for dead."""


@bp.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
def ready() -> Response:
    """503 when deliveries and pages would fail. Without broker or worker both still work: `status` says degraded."""
    needed = {"database": _state_of(_database), "objects": _state_of(_objects)}
    helpful = {"broker": _state_of(_broker), "worker": _state_of(_worker)}
    bad = [name for name, found in needed.items() if found != "ok"]
    weak = [name for name, found in helpful.items() if found != "ok"]
    reply = jsonify({"status": "down" if bad else "degraded" if weak else "ok", **needed, **helpful})
    reply.status_code = 503 if bad else 200
    return reply


@bp.get("/metrics")
def metrics() -> Response:
    """Counters of this process and gauges of the database, as Prometheus reads them. No label names a shop."""
    gauges = CollectorRegistry()
    gauges.register(Backlog(state()))
    return Response(generate_latest(REGISTRY) + generate_latest(gauges), mimetype="text/plain; version=0.0.4")


class Backlog(Collector):
    """What waits in the database, counted when somebody looks."""

    def __init__(self, of: State) -> None:
        self._of = of

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One gauge per figure."""
        with self._of.database.reading() as db:
            figures = {
                "inbox_pending": ("Accepted deliveries that are not rows yet", inbox.pending_count(db)),
                "inbox_oldest_seconds": ("Age of the oldest of them", _oldest_seconds(db)),
                "inbox_parked": ("Deliveries that could not be understood", _parked(db, Event, EventState.PARKED)),
                "inbox_quarantined": ("Those among them that may be replays", inbox.quarantined_count(db)),
                "jobs_open": ("Jobs that wait or run", jobs.open_count(db)),
                "jobs_parked": ("Jobs that were given up", _parked(db, Job, WorkState.PARKED)),
                "shops_needing_reopening": ("Shops whose merchant has to open the app once", _to_reopen(db)),
                "outbox_open": ("Effects that wait for delivery", outbox.open_count(db)),
            }
        for name, (told, value) in figures.items():
            yield GaugeMetricFamily(f"foretally_{name}", told, value=value)


def _oldest_seconds(db: Session) -> float:
    oldest = db.scalar(select(func.min(Event.received_at)).where(Event.state == EventState.PENDING))
    return max((clock.now() - oldest).total_seconds(), 0.0) if oldest else 0.0


def _parked(db: Session, table: type[Event] | type[Job], parked: str) -> int:
    return db.scalar(select(func.count()).select_from(table).where(table.state == parked)) or 0


def _to_reopen(db: Session) -> int:
    lost = select(func.count()).select_from(Shop).where(Shop.state == ShopState.NEEDS_REOPENING)
    return db.scalar(lost) or 0


def _state_of(check: Callable[[State], str]) -> str:
    try:
        return check(state())
    except Exception as error:
        return f"failed: {type(error).__name__}"


def _database(of: State) -> str:
    with of.database.reading() as db:
        db.execute(text("SELECT 1"))
    return "ok"


def _objects(of: State) -> str:
    of.objects.check()
    return "ok"


def _broker(of: State) -> str:
    address = urlsplit(of.settings.broker_url)
    if address.scheme == "filesystem":
        return "ok" if os.access(of.settings.var, os.W_OK) else "failed: not writable"
    return _answers(of.settings)


def _answers(settings: Settings) -> str:
    """Whether somebody listens where the broker should be; what is said there is the workers' business."""
    import socket

    address = urlsplit(settings.broker_url)
    port = address.port or (6379 if address.scheme.startswith("redis") else 5672)
    with socket.create_connection((address.hostname or "localhost", port), timeout=1.0):
        return "ok"


def _worker(of: State) -> str:
    with of.database.reading() as db:
        heard = canary.age(db, clock.now())
    if heard is None:
        return "never heard of"
    return "ok" if heard < SILENCE else f"silent for {heard.total_seconds():.0f} s"
