"""Pseudonyms: a random name per customer, held in one row. Deleting the row is forgetting the customer."""

import secrets
from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shopify_app.db import insert
from shopify_app.records import tombstones
from shopify_app.tables import Customer


def pseudonyms(db: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, str]:
    """The pseudonym of each customer, made at first sight. Forgotten customers have none, and get none."""
    known = _known(db, shop_id, customer_ids)
    missing = set(customer_ids) - known.keys()
    missing -= tombstones.among(db, shop_id, "customer", missing)
    if missing:
        rows = [{"shop_id": shop_id, "customer_id": one, "pseudonym": secrets.token_hex(16)} for one in sorted(missing)]
        db.execute(insert(db, Customer).on_conflict_do_nothing(), rows)
        known |= _known(db, shop_id, missing)
    return known


def forget(db: Session, shop_id: int, customer_id: int) -> bool:
    """Cut the tie between a customer and the pseudonym, for good. False when there was none."""
    tombstones.put(db, shop_id, "customer", customer_id)
    mapping = Customer.shop_id == shop_id, Customer.customer_id == customer_id
    return db.scalar(delete(Customer).where(*mapping).returning(Customer.customer_id)) is not None


def _known(db: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, str]:
    if not customer_ids:
        return {}
    wanted = Customer.shop_id == shop_id, Customer.customer_id.in_(list(customer_ids))
    return {row[0]: row[1] for row in db.execute(select(Customer.customer_id, Customer.pseudonym).where(*wanted))}
