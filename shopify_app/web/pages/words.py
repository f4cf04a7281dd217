"""Numbers and times in the words of the pages."""

import math
from datetime import date, datetime

from shopify_app.clock import zone
from shopify_app.web.axes import MONTHS

NARROW = "\u202f"
"""A narrow space that does not break, between a number and its unit."""

WHOLE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
"""Currencies that have no smaller unit, by ISO 4217."""


def units(value: float | None) -> str:
    """Units a person can picture: whole from ten on, one decimal below."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 9.95 or value == int(value) else f"{value:.1f}"


def least(value: float) -> str:
    """The lower end of a range, in whole units."""
    return f"{math.floor(value):,}"


def most(value: float) -> str:
    """The upper end of a range, in whole units."""
    return f"{math.ceil(value - 0.05):,}"


def percent(share: float | None) -> str:
    """A share as a whole percentage."""
    return "–" if share is None else f"{share:.0%}".replace("-", "−").replace("%", f"{NARROW}%")


def fine_percent(share: float) -> str:
    """A share as a percentage with the decimals it was given, such as 99.5 %."""
    return f"{100 * share:g}{NARROW}%"


def signed(share: float | None) -> str:
    """A deviation with its sign."""
    return "–" if share is None else f"{share:+.0%}".replace("-", "−").replace("%", f"{NARROW}%")


def money(amount: float, currency: str) -> str:
    """1,234.50 of most currencies, 1,234 of those that have no smaller unit."""
    return f"{amount:,.0f}" if currency in WHOLE else f"{amount:,.2f}"


def day(value: date | None) -> str:
    """7 Nov 2026."""
    return "–" if value is None else f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def short_day(value: date) -> str:
    """7 Nov."""
    return f"{value.day} {MONTHS[value.month - 1]}"


def moment(value: datetime | None, time_zone: str = "UTC") -> str:
    """7 Nov 2026, 14:03, where the shop is."""
    if value is None:
        return "–"
    local = value.astimezone(zone(time_zone))
    return f"{day(local.date())}, {local:%H:%M}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 order, 2 orders."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS = (units, least, most, percent, fine_percent, signed, money, day, short_day, moment, plural)
"""What templates may use."""
