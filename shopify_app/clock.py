"""Real time, and the day it is for a shop.

Signatures, tokens and leases live in real time. What day it is for a shop, and so what a forecast may know, is business
time: real time in production, or the newest moment in the shop's own events when a history is replayed.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def now() -> datetime:
    """The real time, aware, in UTC."""
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """The shop's time zone; UTC when Shopify names one this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def day_in(moment: datetime, time_zone: str) -> date:
    """The calendar day of `moment` where the shop is."""
    return moment.astimezone(zone(time_zone)).date()


def parse(text: str) -> datetime:
    """An ISO 8601 time with offset as aware UTC. Raises ValueError when the offset is missing."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without offset: {text!r}")
    return moment.astimezone(UTC)
