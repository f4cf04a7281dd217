"""A shop small enough to know by heart: three products, two orders a day, one refund and one price change."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from devstore.sales.model import Collection, Event, Line, Order, Product, Refund, ShopFacts
from devstore.sales.payloads import order_payload, product_payload, refund_payload

FACTS = ShopFacts(name="Few Things", currency="EUR", time_zone="UTC", country="DE")
FIRST_DAY = date(2026, 1, 1)
HISTORY_UNTIL = date(2026, 4, 30)
PRODUCTS = (1, 2, 3)
SUMMER, GIFTS = Collection(71, "Summer", "summer"), Collection(72, "Gifts", "gifts")


def at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), UTC)


@dataclass
class FewSales:
    """Two orders a day, at 9 and at 15; the order of 9 on every tenth day is refunded in part three days later."""

    facts: ShopFacts = FACTS
    first_day: date = FIRST_DAY
    history_until: date = HISTORY_UNTIL
    last_day: date | None = None
    lines: int = 2
    first_order_id: int = 1000
    updates: bool = True
    per_day: int = 2
    prices: dict[int, str] = field(default_factory=lambda: {1: "10.00", 2: "20.00", 3: "30.00"})
    collections: dict[int, tuple[Collection, ...]] = field(default_factory=lambda: {1: (SUMMER, GIFTS), 2: (GIFTS,)})

    def products(self, on: date) -> list[Product]:
        return [self._product(number) for number in self.prices]

    def available(self, product_id: int, on: date) -> int:
        return 100 - (on - self.first_day).days % 50

    def orders(self, start: date, end: date, as_of: date | None = None) -> Iterator[Order]:
        known = as_of or max(end, self.history_until)
        day = max(start, self.first_day)
        while day <= end:
            yield from (self._order(day, place, known) for place in range(self.per_day))
            day += timedelta(days=1)

    def day(self, on: date) -> list[Event]:
        created = [self._order(on, place, on) for place in range(self.per_day)]
        events = [Event("orders/create", one.created_at, order_payload(one, self.facts)) for one in created]
        origin = on - timedelta(days=3)
        if self._is_refunded(origin, 0) and origin >= self.first_day:
            changed = self._order(origin, 0, on)
            refund = refund_payload(changed.refunds[0], changed, self.facts)
            events += [
                Event("refunds/create", changed.updated_at, refund),
                Event("orders/updated", changed.updated_at, order_payload(changed, self.facts)),
            ]
        if on.day == 15:
            events.append(Event("products/update", at(on, 5), product_payload(self._product(1), 7)))
        return sorted(events, key=lambda event: event.at)

    def _order(self, day: date, place: int, known: date) -> Order:
        number = (day - self.first_day).days * self.per_day + place
        order_id = self.first_order_id + number
        created = datetime.combine(day, time(9), UTC) + timedelta(hours=6) * place / max(1, self.per_day - 1)
        lines = tuple(self._line(order_id, position) for position in range(self.lines))
        total = sum(float(line.price) * line.quantity for line in lines)
        order = Order(
            order_id=order_id,
            customer_id=500 + number % 7 if number % 4 else None,
            created_at=created,
            updated_at=created,
            cancelled_at=None,
            test=False,
            total_price=f"{total:.2f}",
            lines=lines,
            number=number + 1,
        )
        is_known = known >= day + timedelta(days=3)
        return self._refunded(order, day) if self._is_refunded(day, place) and is_known else order

    def _refunded(self, order: Order, day: date) -> Order:
        when = at(day + timedelta(days=3), 12)
        first, *others = order.lines
        refund = Refund(order.order_id + 500_000, when, ((first.line_id, 1, first.price),))
        lines = (replace(first, current_quantity=first.quantity - 1), *others)
        return replace(order, updated_at=when, lines=lines, refunds=(refund,))

    def _is_refunded(self, day: date, place: int) -> bool:
        return self.updates and place == 0 and (day - self.first_day).days % 10 == 0

    def _line(self, order_id: int, position: int) -> Line:
        product = self._product(PRODUCTS[(order_id + position) % 3])
        return Line(
            line_id=order_id * 100 + position,
            product_id=product.product_id,
            variant_id=product.variant_id,
            sku=product.sku,
            title=product.title,
            quantity=2 + position,
            current_quantity=2 + position,
            price=product.price,
        )

    def _product(self, number: int) -> Product:
        return Product(
            product_id=number,
            variant_id=number + 10,
            inventory_item_id=number + 20,
            title=f"Thing {number}",
            handle=f"thing-{number}",
            product_type="Thing",
            vendor="Few",
            tags=("small", "good"),
            sku=f"T-{number}",
            price=self.prices[number],
            created_at=at(self.first_day, 1),
            image_url=f"https://cdn.example/{number}.png" if number == 1 else None,
            collections=self.collections.get(number, ()),
        )
