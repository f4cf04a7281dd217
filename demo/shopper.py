"""A shopper who asks for recommendations through the app proxy, again and again, and notes who answered when."""

import threading
import time
from datetime import UTC, datetime

import requests

from demo.family import Family

PAUSE_SECONDS = 0.02


class Shopper:
    """Asks on a thread of its own while used as a context manager; `first_answer` finds a version's first answer."""

    def __init__(self, family: Family, product_ids: list[int]) -> None:
        self._family, self._products = family, product_ids
        self._answers: list[tuple[datetime, int]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._shop, daemon=True)

    def __enter__(self) -> "Shopper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def first_answer(self, version: int, after: datetime) -> datetime | None:
        """When a version first answered after a moment."""
        return next((at for at, number in list(self._answers) if number == version and at >= after), None)

    def _shop(self) -> None:
        session = requests.Session()
        turn = 0
        while not self._over.wait(PAUSE_SECONDS):
            answered = ask(self._family, session, self._products[turn % len(self._products)])
            turn += 1
            if answered is not None:
                self._answers.append((datetime.now(UTC), answered))


def ask(family: Family, session: requests.Session, product_id: int) -> int | None:
    """The number of the version that answered for one product; None when nobody did."""
    url = f"{family.setup.storefront}apps/foretally/recommendations"
    try:
        reply = session.get(url, params={"product_ids": product_id, "limit": 8}, timeout=10)
    except requests.RequestException:
        time.sleep(0.2)
        return None
    return int(reply.json()["version"]) if reply.status_code == 200 else None
