"""Wait for Shopify to collect a bulk query, showing how far it is."""

import time

from shopify_app.platform import bulk
from shopify_app.records import jobs
from shopify_app.tables import Job, Shop
from workers.context import Context

FIRST_WAIT, LONGEST_WAIT = 0.2, 3.0


def wait_for_bulk(context: Context, shop: Shop, job: Job, bulk_id: str, what: str) -> bulk.BulkState:
    """The state of a bulk query that is over, well or badly; until then the lease is renewed."""
    wait = FIRST_WAIT
    while True:
        state = bulk.state(context.api(shop), bulk_id)
        with context.database.transaction() as db:
            jobs.note(db, job, f"Shopify collects {what}: {state.object_count:,} rows so far")
        if state.is_over:
            return state
        time.sleep(wait)
        wait = min(wait * 1.5, LONGEST_WAIT)
