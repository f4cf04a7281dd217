"""Moves a shop through its business days: day by day on request, or by itself at a speed."""

import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from devstore.courier import Batch, Courier, Delivery
from devstore.disorder import Arranged, arrange, arrange_live
from devstore.sales.model import Event
from devstore.shop import Shop

TICK = 0.05
MOST_OUTSTANDING = 500
"""A running clock waits for an app that is so many deliveries behind."""


@dataclass
class StepReport:
    """What a step sold and how its deliveries fared."""

    first_day: date | None = None
    last_day: date | None = None
    orders_sold: int = 0
    deliveries: int = 0
    """Sent, duplicates included."""
    duplicates_sent: int = 0
    out_of_order: int = 0
    delayed: int = 0
    dropped: int = 0
    failed: int = 0
    sent_orders: set[int] = field(default_factory=set)

    def add(self, events: list[Event], arranged: Arranged) -> None:
        """Count the events of a day and what is sent about them."""
        self.orders_sold += sum(event.topic == "orders/create" for event in events)
        self.deliveries += len(arranged.deliveries)
        self.duplicates_sent += arranged.duplicates
        self.out_of_order += arranged.out_of_order
        self.delayed += arranged.delayed
        self.dropped += arranged.dropped

    def as_json(self) -> dict[str, Any]:
        """The report for the control door."""
        body = asdict(self)
        first, last, sent = body.pop("first_day"), body.pop("last_day"), body.pop("sent_orders")
        return {
            "from": first.isoformat() if first else None,
            "to": last.isoformat() if last else None,
            "orders_sent": len(sent),
            **body,
        }


class Seller:
    """Sells the days of one shop. A step and the running clock exclude each other."""

    def __init__(self, shop: Shop, courier: Courier) -> None:
        self._shop, self._courier = shop, courier
        self._selling = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._today: tuple[date, list[Event]] | None = None
        self.speed = 0.0

    def run(self, speed: float) -> None:
        """Let the clock run at so many business days per second; 0 stops it."""
        self.speed = speed
        if speed > 0 and self._thread is None:
            self._thread = threading.Thread(target=self._keep_selling, name=f"seller-{self._shop.handle}", daemon=True)
            self._thread.start()

    def step(self, days: int) -> StepReport:
        """Sell the rest of this day or the next one, and so on; return when each delivery was answered or given up."""
        report = StepReport()
        with self._selling:
            for _ in range(days):
                if self._is_over():
                    break
                self._sell_day(report)
        return report

    def stop(self) -> None:
        """End the running clock."""
        self._stopping.set()
        if self._thread:
            self._thread.join(5)

    def _is_over(self) -> bool:
        last = self._shop.sales.last_day
        return last is not None and self._shop.clock.day > last

    def _sell_day(self, report: StepReport) -> None:
        clock = self._shop.clock
        events = self._events()[clock.sold :]
        end = clock.midnight(clock.day + timedelta(days=1)) - timedelta(seconds=1)
        arranged = arrange(self._shop.deliveries(events), self._shop.faults)
        report.add(events, arranged)
        batch = self._send(events, end, arranged.deliveries)
        report.first_day, report.last_day = report.first_day or clock.day, clock.day
        clock.close_day()
        batch.wait()
        report.failed += len(batch.failed)
        report.sent_orders |= {number for one in batch.delivered if (number := _new_order(one))}

    def _events(self) -> list[Event]:
        """The happenings of the day in progress, read once."""
        day = self._shop.clock.day
        if self._today is None or self._today[0] != day:
            self._today = (day, self._shop.sales.day(day))
        return self._today[1]

    def _send(self, events: list[Event], now: datetime, deliveries: list[Delivery]) -> Batch:
        """Send what some events cause: clock and deliveries are kept together, so a crash loses none."""
        clock = self._shop.clock
        with self._shop.together():
            clock.advance(now, clock.sold + len(events))
            return self._courier.submit(deliveries)

    def _keep_selling(self) -> None:
        seen = time.monotonic()
        while not self._stopping.wait(TICK):
            moment = time.monotonic()
            elapsed, seen = moment - seen, moment
            if self.speed > 0 and self._courier.outstanding < MOST_OUTSTANDING and self._shop.is_installed:
                with self._selling:
                    self._move(timedelta(days=elapsed * self.speed))

    def _move(self, span: timedelta) -> None:
        """Let so much business time pass, over as many midnights as it holds."""
        clock = self._shop.clock
        until = clock.now + span
        while not self._is_over():
            midnight = clock.midnight(clock.day + timedelta(days=1))
            left = self._events()[clock.sold :]
            is_full = until >= midnight
            due = left if is_full else [event for event in left if event.at <= until]
            arranged = arrange_live(self._shop.deliveries(due), self._shop.faults)
            self._send(due, min(until, midnight), arranged.deliveries)
            if not is_full:
                return
            clock.close_day()


def _new_order(one: Delivery) -> int | None:
    is_order = one.topic == "orders/create" and one.about
    return int(one.about.split()[1]) if is_order else None
