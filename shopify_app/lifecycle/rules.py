"""What a merchant wants shown and not shown. Everything is off until somebody says otherwise.

Some rules are about a product alone (`leaves_out`): it is shown nowhere. Others are about it beside what the shopper
looks at (`unfit`): they hold as long as anything fits, because an empty place helps nobody. Pins come first, variety
last. What nobody may switch off (published, in stock, priced, no gift card, not in the cart) is in `shelf.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

ANY, SAME, OTHER = "any", "same", "other"
VENDORS = (ANY, SAME, OTHER)
KEY = "rules"
"""Where they stand in a shop's settings."""


class Ware(NamedTuple):
    """What rules ask about a product."""

    vendor: str
    kind: str
    price: float | None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rules:
    """One shop's rules. Tags, vendors and types are compared without regard to upper and lower case."""

    excluded_tags: tuple[str, ...] = ()
    excluded_vendors: tuple[str, ...] = ()
    vendor: str = ANY
    """Beside a product: any vendor's products, only the same vendor's, or only others'."""
    cheapest_percent: int = 0
    """Of the price of what is looked at; 0: as cheap as may be."""
    dearest_percent: int = 0
    """0: as dear as may be."""
    most_of_a_type: int = 0
    """Of those shown at once; 0: as many as there are."""
    most_of_a_vendor: int = 0
    pinned: tuple[int, ...] = ()
    """Products shown first, wherever anything is shown."""
    pins: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Products shown first beside a certain one."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Rules":
        """The rules in a shop's settings. Unknown names are left alone: another release may have written them."""
        told = settings.get(KEY) or {}
        known = {one.name for one in fields(cls)}
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
        pins = {int(product): tuple(others) for product, others in (told.get("pins") or {}).items()}
        return cls(**{name: value for name, value in given.items() if name in known} | {"pins": pins})

    def stored(self) -> dict[str, Any]:
        """What the settings keep: only what differs from the defaults."""
        defaults = asdict(Rules())
        told = {name: value for name, value in asdict(self).items() if value != defaults[name]}
        if "pins" in told:
            told["pins"] = {str(product): list(others) for product, others in self.pins.items()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    @property
    def needs_wares(self) -> bool:
        """Whether a product's number alone does not tell what the rules say about it."""
        about_one = self.excluded_tags or self.excluded_vendors
        return bool(about_one or self.vendor != ANY or self.cheapest_percent or self.dearest_percent or self.varies)

    @property
    def varies(self) -> bool:
        """Whether too many of a kind are left out."""
        return bool(self.most_of_a_type or self.most_of_a_vendor)

    def leaves_out(self, ware: Ware) -> str | None:
        """Why this product is shown nowhere; None when it may be."""
        for tag in self.excluded_tags:
            if tag.casefold() in ware.tags:
                return f"has the tag “{tag}”"
        if any(vendor.casefold() == ware.vendor for vendor in self.excluded_vendors):
            return "comes from a vendor you left out"
        return None

    def unfit(self, ware: Ware, beside: Sequence[Ware]) -> str | None:
        """Why this product does not go beside those; None when it does, and beside nothing everything does."""
        if not beside:
            return None
        if self.vendor != ANY and (ware.vendor in {one.vendor for one in beside}) != (self.vendor == SAME):
            return "comes from another vendor" if self.vendor == SAME else "comes from the same vendor"
        prices = [one.price for one in beside if one.price]
        if prices and ware.price is not None:
            if self.cheapest_percent and ware.price < min(prices) * self.cheapest_percent / 100:
                return f"costs less than {self.cheapest_percent} % of it"
            if self.dearest_percent and ware.price > max(prices) * self.dearest_percent / 100:
                return f"costs more than {self.dearest_percent} % of it"
        return None

    def first(self, asked: Iterable[int]) -> tuple[int, ...]:
        """What is pinned beside these products, then what is pinned everywhere; each once."""
        beside = (product for one in asked for product in self.pins.get(one, ()))
        return tuple(dict.fromkeys([*beside, *self.pinned]))


def ware(vendor: str, kind: str, price: float | None, tags: Iterable[str] = ()) -> Ware:
    """A product as rules see it."""
    return Ware(vendor.casefold(), kind.casefold(), price, frozenset(tag.casefold() for tag in tags))
