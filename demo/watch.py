"""What a run has reached, read from the app's database: counts, standings and news."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, func, or_, select

from shopify_app.db import Database
from shopify_app.tables import (
    Alert,
    Backfill,
    Effect,
    Event,
    EventState,
    FlowRun,
    Job,
    Order,
    Shop,
    Slot,
    Transition,
    Version,
    WorkState,
)


@dataclass
class Watch:
    """Reads one shop's rows; remembers what it has told already."""

    database: Database
    domain: str
    _told: dict[type, int] = field(default_factory=dict)

    def shop(self) -> Shop | None:
        """The shop's row, once it has installed."""
        with self.database.reading() as db:
            return db.scalar(select(Shop).where(Shop.domain == self.domain))

    def rows(self, table: Any, *where: Any) -> list[Any]:
        """The shop's rows of a table, oldest first."""
        shop = self.shop()
        if shop is None:
            return []
        with self.database.reading() as db:
            return list(db.scalars(select(table).where(table.shop_id == shop.id, *where).order_by(table.id)))

    def count(self, table: Any, *where: Any) -> int:
        """How many of the shop's rows match."""
        with self.database.reading() as db:
            return db.scalar(select(func.count()).select_from(table).where(*where)) or 0

    def orders(self) -> int:
        """Orders stored."""
        shop = self.shop()
        return self.count(Order, Order.shop_id == shop.id) if shop else 0

    def is_quiet(self) -> bool:
        """Nothing waits and nothing runs: every delivery, job and effect is done."""
        waiting = ((Event, EventState.PENDING), (Job, WorkState.PENDING), (Effect, WorkState.PENDING))
        with self.database.reading() as db:
            return not db.scalar(select(or_(*(exists().where(table.state == state) for table, state in waiting))))

    def slot(self, task: str) -> Slot | None:
        """Who is in charge of a task."""
        shop = self.shop()
        if shop is None:
            return None
        with self.database.reading() as db:
            return db.get(Slot, (shop.id, task))

    def version(self, version_id: int | None) -> Version | None:
        """A version by its id."""
        with self.database.reading() as db:
            return db.get(Version, version_id) if version_id else None

    def in_charge(self, task: str) -> Version | None:
        """The version in charge of a task."""
        slot = self.slot(task)
        return self.version(slot.champion_id if slot else None)

    def progress(self) -> str:
        """What is going on right now, in a few words."""
        shop = self.shop()
        if shop is None:
            return "waiting for the shop to open the app"
        running = [job for job in self.rows(Job, Job.state == WorkState.PENDING) if job.started_at]
        doing = "; ".join(f"{job.kind}: {job.progress or 'started'}" for job in running)
        return f"{shop.business_on or 'no day yet'} · {self.orders():,} orders" + (f" · {doing}" if doing else "")

    def news(self) -> Iterator[str]:
        """One line for everything that happened since the last call, oldest first."""
        lines: list[tuple[Any, str]] = []
        for table, when, tell in (
            (Version, "created_at", self._version),
            (Transition, "created_at", self._transition),
            (Alert, "raised_at", self._alert),
            (FlowRun, "received_at", self._flow_run),
            (Job, "finished_at", self._job),
            (Backfill, "finished_at", self._backfill),
        ):
            fresh = [row for row in self.rows(table, table.id > self._told.get(table, 0)) if getattr(row, when)]
            for row in fresh:
                self._told[table] = max(self._told.get(table, 0), row.id)
                line = tell(row)
                if line:
                    lines.append((getattr(row, when), line))
        yield from (line for _, line in sorted(lines))

    def _version(self, row: Version) -> str:
        return f"{row.task} version {row.number} made ({row.algorithm}, {row.cause}, {row.cpu_seconds:.1f} CPU s)"

    def _transition(self, row: Transition) -> str:
        version = self.version(row.version_id)
        number = version.number if version else "?"
        return f"{row.task} {row.kind}: version {number} by {row.actor}: {row.reason}"

    def _alert(self, row: Alert) -> str:
        return f"ALERT {row.task} ({row.kind}): {row.message}"

    def _flow_run(self, row: FlowRun) -> str:
        return f"Flow action {row.handle} called: {row.reply.get('reason', row.reply)}"

    def _job(self, row: Job) -> str | None:
        if row.kind == "publish" and row.result and row.result.get("written"):
            return f"{row.result['written']} recommendation lists published ({', '.join(row.causes)[:80]})"
        return f"job {row.kind} parked: {row.error}" if row.state == WorkState.PARKED else None

    def _backfill(self, row: Backfill) -> str:
        return f"backfill {row.state}: {row.orders_read:,} orders up to {row.reached_on}"
