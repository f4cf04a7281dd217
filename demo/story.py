"""make story: the whole loop without a person. It ends by itself, and badly when a link of the chain is missing."""

import argparse
import shutil
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from demo import count, sabotage
from demo.book import Book
from demo.family import Broken, Family, Setup
from demo.shopper import Shopper, ask
from demo.watch import Watch
from shopify_app.db import Database
from shopify_app.errors import SettingError
from shopify_app.tables import Alert, Backfill, ForecastRun, Product, Shop, Task, Transition

DAYS = 57
"""Business days of live orders: more than eight weeks."""
CALM_DAYS = 28
"""Days of ordinary life before the sabotage, at the least."""
PATIENCE = 12
"""Days until both tasks must have their version back; a shop with few carts needs more of them than one with many."""
REQUESTS_A_DAY = 40
DISORDER = {"duplicate": 0.10, "reorder": 0.05}


def main() -> int:
    """Play the story. 0 when every link held, 1 when one did not, 2 when it could not be played."""
    chosen = _arguments()
    var = Path(chosen.var).resolve()
    if chosen.orders and not Path(chosen.orders).is_file():
        print(f"story: there is no order file {chosen.orders}", file=sys.stderr)
        return 2
    if var.exists():
        print(f"removing what an earlier story left in {var}")
        shutil.rmtree(var)
    options = ["--speed", "0", "--all-orders"]
    if chosen.orders:
        options += ["--orders", str(Path(chosen.orders).resolve()), "--history-until", chosen.history_until]
    setup = Setup(var, app_port=chosen.port, shopify_port=chosen.port + 1, devstore_options=options)
    book = Book()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Family(setup) as family:
            watch = Watch(Database(f"sqlite:///{setup.var / 'foretally.db'}"), setup.domain)
            Story(family, watch, book).play()
            book.figures["peak_rss_mb"] = round(family.peak_rss_mb)
    except (Broken, SettingError) as error:
        print(f"story: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstory: stopped before its end", file=sys.stderr)
        return 2
    return book.close(var.parent / "story.json")


class Story:
    """The acts, in order."""

    def __init__(self, family: Family, watch: Watch, book: Book) -> None:
        self.family, self.watch, self.book = family, watch, book
        self.day = 0

    def play(self) -> None:
        """Install, live, be sabotaged, recover, and count."""
        self.install()
        self.live(CALM_DAYS)
        while self.day < DAYS - 2 * PATIENCE and not self._is_settled():
            self.live(1)
        self.be_sabotaged()
        self.live(max(DAYS - self.day, 10))
        self.book.figures |= {
            "business_days": self.day,
            "accuracy_after_rollback": count.served_accuracy(self.watch),
        }
        count.everything(self.family, self.watch, self.book)

    def install(self) -> None:
        """The shop installs the app, which reads its history and trains its first versions."""
        self.say("the shop installs the app")
        self.family.shopify("install", {})
        page = self.family.open_app()
        if page.status_code != 200:
            raise Broken(f"the app's first page answered {page.status_code}: {page.text[:200]}")
        self.family.command("set", "--shop", self.family.setup.domain, "fit_every_days=28")
        self.family.wait("the backfill", self._has_history, 300, every=0.3)
        self.family.wait("the first forecast", self._has_forecast, 300, every=0.3)
        self._rest()
        self.book.figures["first_forecast_seconds"] = round(self.book.seconds, 1)
        self.family.shopify("faults", DISORDER)

    def live(self, days: int) -> None:
        """Sell day by day while shoppers look around; after each day the app comes to rest, as a night is long."""
        products = self._products()
        for _ in range(days):
            self.book.add(self.family.shopify("clock", {"step_days": 1}))
            self.day += 1
            for turn in range(REQUESTS_A_DAY):
                ask(self.family, self.family.http, products[(self.day * REQUESTS_A_DAY + turn) % len(products)])
            self._rest()

    def be_sabotaged(self) -> None:
        """Shuffled versions are put in charge by hand; the app has to notice, and Flow to ask for the rollback."""
        good = {task: self._in_charge(task) for task in Task}
        self.book.figures["accuracy_before_sabotage"] = count.served_accuracy(self.watch)
        self.say("sabotage: versions with shuffled products are put in charge by hand")
        bad = sabotage.put_in_charge(self.family, self.watch)
        began = self._shop().business_on
        assert began is not None
        with Shopper(self.family, self._products()[:50]) as shopper:
            self._rest()
            for _ in range(PATIENCE):
                self.live(1)
                if all(self._in_charge(task) == good[task] for task in Task):
                    break
            time.sleep(0.5)
        alarms = [a for a in self.watch.rows(Alert, Alert.kind == "act") if self._number(a.version_id) == bad[a.task]]
        found = {alert.task: count.trading_days(self.watch, began, alert) for alert in alarms}
        seconds = [self._seconds(alert, shopper, good) for alert in alarms]
        self.book.figures |= {
            "sabotaged_versions": bad,
            "alerts": {alert.task: alert.message for alert in alarms},
            "alert_business_days": min(found.values(), default=None),
            "alert_business_days_by_task": found,
            "accuracy_at_alert": self._accuracy_at(alarms),
            "rollback_seconds": max(seconds) if seconds else None,
        }
        self.book.need(len(alarms) == len(Task), "an alert for each sabotaged task")
        for task in Task:
            self.book.need(self._in_charge(task) == good[task], f"the {task} version from before in charge again")

    def tell(self) -> None:
        """Print what has happened since the last time."""
        for line in self.watch.news():
            self.say(line)

    def say(self, line: str) -> None:
        """One line per event, with real seconds and the shop's day."""
        shop = self.watch.shop()
        day = shop.business_on if shop and shop.business_on else "-"
        print(f"{self.book.seconds:6.1f} s  {day!s:10}  {line}", flush=True)

    def _has_history(self) -> bool:
        self.tell()
        return any(row.state == "done" for row in self.watch.rows(Backfill))

    def _has_forecast(self) -> bool:
        self.tell()
        return bool(self.watch.rows(ForecastRun))

    def _rest(self) -> None:
        self.family.wait("the app to come to rest", self.watch.is_quiet, 120)
        self.tell()

    def _seconds(self, alert: Alert, shopper: Shopper, good: dict[Task, int | None]) -> float:
        """From the decision to the first answer of the restored version: to a shopper, or on the Forecasts page."""
        answered: datetime | None
        if alert.task == Task.RECOMMEND:
            answered = shopper.first_answer(good[Task.RECOMMEND] or 0, alert.raised_at)
        else:
            rollbacks = self.watch.rows(Transition, Transition.kind == "rollback", Transition.task == alert.task)
            answered = next((row.created_at for row in rollbacks), None)
        return round((answered - alert.raised_at).total_seconds(), 3) if answered else float("inf")

    def _accuracy_at(self, alarms: list[Alert]) -> float | None:
        alert = next((alert for alert in alarms if alert.task == Task.FORECAST), None)
        return count.served_accuracy(self.watch, alert.raised_on - timedelta(days=1)) if alert else None

    def _is_settled(self) -> bool:
        """Enough has happened, and neither slot is in the middle of a change."""
        promoted = {row.task for row in count.promotions(self.watch)}
        calm = all(slot is not None and slot.shadow_id is None for slot in map(self.watch.slot, Task))
        return len(count.retrains_by_orders(self.watch)) >= 2 and len(promoted) == len(Task) and calm

    def _in_charge(self, task: Task) -> int | None:
        version = self.watch.in_charge(task)
        return version.number if version else None

    def _number(self, version_id: int | None) -> int | None:
        version = self.watch.version(version_id)
        return version.number if version else None

    def _products(self) -> list[int]:
        with self.watch.database.reading() as db:
            mine = select(Product.product_id).where(Product.shop_id == self._shop().id)
            return list(db.scalars(mine.order_by(Product.product_id).limit(500)))

    def _shop(self) -> Shop:
        shop = self.watch.shop()
        if shop is None:
            raise Broken("the shop has not installed the app")
        return shop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make story", description=__doc__)
    parser.add_argument("--var", default="var/story", help="folder of the run; emptied first")
    parser.add_argument("--port", type=int, default=8810, help="the app's port; Shopify takes the next one")
    parser.add_argument("--orders", help="sell from an order file instead of the made-up shop")
    parser.add_argument("--history-until", default="2011-06-30", help="last day of history when selling from a file")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
