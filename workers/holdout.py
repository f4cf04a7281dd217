"""Tell the theme which test of lists against none runs, if one does."""

from typing import Any

from shopify_app.lifecycle import holdout
from shopify_app.platform import shop_list
from shopify_app.tables import Job, Shop
from workers.context import Context


def run(context: Context, shop: Shop, job: Job) -> dict[str, Any]:
    """Write the number of the test that runs into the shop's metafield, 0 for none. Repeating is fine."""
    with context.database.reading() as db:
        number = holdout.of(db, shop.id).published
    shop_list.tell_test(context.api(shop), number)
    return {"test": number}
