"""The business clock of one shop. It moves when the shop sells; signatures and tokens never look at it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from devstore.state import State


class BusinessClock:
    """Which day the shop is in, how much of it is sold, and what "now" means for its business."""

    def __init__(self, state: State, shop: str, zone: ZoneInfo, history_until: date) -> None:
        self._state, self._shop, self._zone = state, shop, zone
        row = state.row("SELECT day, sold, now FROM shops WHERE shop = ?", shop)
        if row and row["day"]:
            self.day = date.fromisoformat(row["day"])
            self.sold = int(row["sold"])
            self.now = datetime.fromisoformat(row["now"])
        else:
            self.day, self.sold = history_until + timedelta(days=1), 0
            self.now = self.midnight(self.day)
        self.today = self._latest_day()
        """The latest day of which anything has happened."""

    def midnight(self, day: date) -> datetime:
        """The instant at which that day begins in the shop's time zone."""
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    def local_day(self, moment: datetime) -> date:
        """The shop's calendar day of an instant."""
        return moment.astimezone(self._zone).date()

    def advance(self, now: datetime, sold: int) -> None:
        """Be later on the same day, with so many of its events announced."""
        self.now, self.sold = max(self.now, now), sold
        self._keep()

    def close_day(self) -> None:
        """Begin the next day: nothing of it is sold yet."""
        self.day, self.sold = self.day + timedelta(days=1), 0
        self.now = self.midnight(self.day)
        self._keep()

    def _latest_day(self) -> date:
        return self.day if self.now > self.midnight(self.day) else self.day - timedelta(days=1)

    def _keep(self) -> None:
        self.today = self._latest_day()
        self._state.run(
            "UPDATE shops SET day = ?, sold = ?, now = ? WHERE shop = ?",
            *(self.day.isoformat(), self.sold, self.now.isoformat(), self._shop),
        )
