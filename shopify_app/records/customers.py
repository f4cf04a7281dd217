"""Pseudonyms: a random name per customer, held in one row. Deleting the row is forgetting the customer."""

import secrets
from collections.abc import Collection

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shopify_app.db import insert
from shopify_app.records import keys, tombstones
from shopify_app.records.keys import Secret
from shopify_app.tables import Customer, Order


def pseudonyms(db: Session, shop_id: int, customer_ids: Collection[int]) -> dict[int, str]:
    """The pseudonym of each customer, made at first sight. Forgotten customers have none, and get none."""
    if not customer_ids:
        return {}
    secret = keys.of(db, shop_id)
    found = known(db, secret, customer_ids)
    missing = set(customer_ids) - found.keys()
    if missing:
        keys.of(db, shop_id, hold=True)
        missing -= tombstones.among(db, secret, "customer", missing)
        rows = [
            {"shop_id": shop_id, "mark": secret.mark("customer", one), "pseudonym": secrets.token_hex(16)}
            for one in sorted(missing)
        ]
        if rows:
            db.connection().execute(insert(db, Customer).on_conflict_do_nothing(), rows)
            found |= known(db, secret, missing)
    return found


def known(db: Session, secret: Secret, customer_ids: Collection[int]) -> dict[int, str]:
    """The pseudonyms of those customers who have one."""
    marks = {secret.mark("customer", one): one for one in customer_ids}
    wanted = Customer.shop_id == secret.shop_id, Customer.mark.in_(list(marks))
    if not marks:
        return {}
    found = db.connection().execute(select(Customer.mark, Customer.pseudonym).where(*wanted))
    return {marks[mark]: pseudonym for mark, pseudonym in found}


def named(db: Session, shop_id: int, marks: Collection[int]) -> set[str]:
    """The pseudonyms of these marks."""
    mine = Customer.shop_id == shop_id, Customer.mark.in_(list(marks))
    return set(db.scalars(select(Customer.pseudonym).where(*mine)))


def of_orders(db: Session, shop_id: int, order_ids: Collection[int]) -> set[int]:
    """The marks of the customers of these orders, for a request that does not say the customer's number."""
    buyers = select(Order.pseudonym).where(Order.shop_id == shop_id, Order.order_id.in_(list(order_ids)))
    return set(db.scalars(select(Customer.mark).where(Customer.shop_id == shop_id, Customer.pseudonym.in_(buyers))))


def forget(db: Session, secret: Secret, marks: Collection[int]) -> int:
    """Cut the tie between customers and their pseudonyms, for good. How many there were."""
    tombstones.put_marks(db, secret.shop_id, "customer", marks)
    mapping = Customer.shop_id == secret.shop_id, Customer.mark.in_(list(marks))
    return len(db.scalars(delete(Customer).where(*mapping).returning(Customer.mark)).all())
