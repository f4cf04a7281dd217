"""Files in the making belong to one job: nothing of another process, or of one that was killed, gets into them."""

from datetime import date, timedelta

from ml.dataset import read_dataset
from shopify_app.tables import Shop
from tests.workers.test_refresh import an_order, tell
from workers.context import Context
from workers.dataset import frozen

FIRST = date(2026, 3, 1)


def sell(context: Context, shop: Shop) -> Shop:
    sold = [an_order(shop, n, FIRST + timedelta(days=n % 31), [1, 2]) for n in range(1, 311)]
    tell(context.database, shop, [*sold, an_order(shop, 900, date(2026, 4, 3), [1])])
    with context.database.reading() as db:
        return db.get_one(Shop, shop.id)


def units(context: Context, shop: Shop, on: date) -> float:
    with frozen(context, shop, on) as (_, folder):
        return float(read_dataset(folder).sales().units.sum())


def test_what_a_killed_worker_left_is_not_trained_on(context: Context, alice: Shop) -> None:
    shop = sell(context, alice)
    killed = frozen(context, shop, date(2026, 3, 30))
    killed.__enter__()  # its files of single days stay; in April they are one file for the month
    assert units(context, shop, date(2026, 4, 2)) == 620


def test_a_night_and_a_retrain_of_one_shop_do_not_take_each_others_files(context: Context, alice: Shop) -> None:
    shop = sell(context, alice)
    with frozen(context, shop, date(2026, 3, 30)) as (_, folder):
        assert units(context, shop, date(2026, 3, 31)) == 620
        assert read_dataset(folder).sales().units.sum() == 600
