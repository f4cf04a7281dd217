"""The synthetic shop, one day after the other: customers fill baskets, the shelf decides what they get."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from devstore.sales import baskets, fate, seasons
from devstore.sales.arrays import Bools, Floats, Ints
from devstore.sales.catalogue import Catalogue
from devstore.sales.chance import Purpose, stream
from devstore.sales.customers import GUEST_SHARE, Customers
from devstore.sales.ledger import NEVER, Day, Ledger
from devstore.sales.moments import DAY
from devstore.sales.promotions import Prices
from devstore.sales.stock import Stock

TEST_ORDER_SHARE = 0.0012
DELIVERY_AT = 5 * 3600 + 1800
RAMP_DAYS = 28.0
HYPE, HYPE_DAYS = 0.6, 60.0
LINES_PER_ORDER, UNITS_PER_LINE = 1.6, 1.3


@dataclass(frozen=True)
class _Wish:
    """What one day's customers put into their baskets, before the shelf is asked."""

    created: Ints
    customer: Ints
    test: Bools
    line_order: Ints
    product: Ints
    units: Ints


class Simulation:
    """Advances one day at a time; every day's chance comes from (seed, day), the rest is carried on."""

    def __init__(self, seed: int, catalogue: Catalogue, orders_per_day: float, first_day: date) -> None:
        self._seed = seed
        self._catalogue = catalogue
        self._rate = orders_per_day
        self._first_day = first_day
        self._prices = Prices(seed, catalogue)
        self._customers = Customers.of_an_open_shop(seed)
        self._stock = Stock.filled(seed, catalogue, orders_per_day * LINES_PER_ORDER * UNITS_PER_LINE)
        self.ledger = Ledger(first_day.toordinal())

    def step(self) -> Day:
        """Simulate the next day and write it into the ledger."""
        on = date.fromordinal(self.ledger.first_ordinal + len(self.ledger.days))
        rng = stream(self._seed, Purpose.DAY, on.toordinal())
        list_cents = self._prices.list_cents(on)
        cents = self._prices.cents(on, list_cents)
        appeal = self._appeal(on, cents)
        wish = self._wishes(rng, on, appeal)
        day = self._trade(rng, on.toordinal(), wish, list_cents, cents)
        self.ledger.write(day)
        return day

    def _appeal(self, on: date, cents: Ints) -> Floats:
        """How much each product is wanted today: popularity, season, novelty, price and luck; zero when not on sale."""
        age = on.toordinal() - self._catalogue.launch_day
        novelty = np.clip((age + 4) / RAMP_DAYS, 0, 1) * (1 + HYPE * np.exp(-np.maximum(age, 0) / HYPE_DAYS))
        season = seasons.departments_on(on)[self._catalogue.departments]
        luck = seasons.luck_of_week(self._seed, on, len(self._catalogue))
        appeal = self._catalogue.popularity * season * novelty * luck * self._prices.pull(cents)
        return np.where(age >= 0, appeal, 0.0)

    def _wishes(self, rng: np.random.Generator, on: date, appeal: Floats) -> _Wish:
        restless = rng.gamma(seasons.DAY_SHAPE, 1 / seasons.DAY_SHAPE)
        busy = seasons.shop_on(on, self._first_day) * restless * min(appeal.sum(), 2.5) ** 0.6
        orders = int(rng.poisson(self._rate * busy))
        customer = self._customers.arrive(rng, orders)
        chosen = baskets.fill(rng, self._catalogue, appeal, self._customers.tastes(customer))
        line_order, place = np.nonzero(chosen >= 0)
        product = chosen[line_order, place]
        return _Wish(
            created=on.toordinal() * DAY + seasons.seconds_of_day(rng, orders),
            customer=np.where(rng.random(orders) < GUEST_SHARE, NEVER, customer),
            test=rng.random(orders) < TEST_ORDER_SHARE,
            line_order=line_order,
            product=product,
            units=baskets.units(rng, self._catalogue, product),
        )

    def _trade(self, rng: np.random.Generator, ordinal: int, wish: _Wish, list_cents: Ints, cents: Ints) -> Day:
        """Serve the wishes in order of time, restock, and write the day down."""
        live = self._catalogue.launch_day <= ordinal
        moved = np.where(self._stock.receive(ordinal) > 0, ordinal * DAY + DELIVERY_AT, NEVER)
        self._take_back(ordinal, moved)
        served = np.array([self._serve(wish, line, moved) for line in range(len(wish.product))], dtype=bool)
        demand, lost = self._asked(wish, np.ones_like(served)), self._asked(wish, ~served)
        self._stock.reorder(rng, ordinal, demand, live)
        kept = np.unique(wish.line_order[served])
        line_order = np.searchsorted(kept, wish.line_order[served])
        product, units, created = wish.product[served], wish.units[served], wish.created[kept]
        later = fate.draw(rng, created, line_order, units, self._catalogue.return_rate[product])
        return Day(
            ordinal=ordinal,
            first_order=self.ledger.orders,
            first_line=self.ledger.lines,
            created=created,
            customer=wish.customer[kept],
            test=wish.test[kept],
            cancelled=later.cancelled,
            refunded=later.refunded,
            noted=later.noted,
            line_order=line_order,
            product=product,
            units=units,
            returned=later.returned,
            cents=cents[product],
            on_hand=self._stock.on_hand.copy(),
            moved=moved,
            price=cents,
            list_price=list_cents,
            priced_on=self._priced_on(ordinal, cents),
            live=live,
            demand=demand,
            lost=lost,
        )

    def _serve(self, wish: _Wish, line: int, moved: Ints) -> bool:
        """Sell one line if the shelf has it. A test order moves no goods."""
        product, order = wish.product[line], wish.line_order[line]
        if wish.test[order]:
            return True
        if not self._stock.take(product, wish.units[line]):
            return False
        moved[product] = max(moved[product], wish.created[order])
        return True

    def _asked(self, wish: _Wish, chosen: Bools) -> Ints:
        real = chosen & ~wish.test[wish.line_order]
        return np.bincount(wish.product[real], wish.units[real], minlength=len(self._catalogue)).astype(np.int64)

    def _take_back(self, ordinal: int, moved: Ints) -> None:
        """Goods of orders cancelled or refunded today go back on the shelf."""
        for origin, position in self.ledger.changes.get(ordinal, ()):
            day = self.ledger.day(origin)
            start, end = day.lines_of[position : position + 2]
            for column, units in ((day.cancelled, day.units), (day.refunded, day.returned)):
                at = int(column[position])
                if at // DAY == ordinal and not day.test[position]:
                    np.add.at(self._stock.on_hand, day.product[start:end], units[start:end])
                    back = day.product[start:end][units[start:end] > 0]
                    moved[back] = np.maximum(moved[back], at)

    def _priced_on(self, ordinal: int, cents: Ints) -> Ints:
        if not self.ledger.days:
            return np.maximum(self._catalogue.launch_day, ordinal)
        before = self.ledger.days[-1]
        changed = (before.price != cents) | (self._catalogue.launch_day == ordinal)
        return np.where(changed, ordinal, before.priced_on)
