"""Business time: seconds on the shop's own clock, and what they are called."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = 86_400
EPOCH = datetime(1, 1, 1)  # noqa: DTZ001  A clock reading gets its zone in `moment`.


def moment(seconds: int, zone: ZoneInfo) -> datetime:
    """The aware time at which the shop's clock shows that many seconds since midnight of 0001-01-01, plus one day.

    The extra day makes `seconds // DAY` the ordinal of the date.
    """
    return (EPOCH + timedelta(seconds=seconds - DAY)).replace(tzinfo=zone)


def at(on: date, seconds: int, zone: ZoneInfo) -> datetime:
    """The aware time that many seconds into a day of the shop."""
    return moment(on.toordinal() * DAY + seconds, zone)
