"""What we hold of a shop, and what each permission is for."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopify_app.tables import Event, EventState, Order, OrderLine, Product
from shopify_app.web.pages.reading.standing import Standing

REASONS = {
    "read_orders": "Sales are what forecasts and recommendations are made from; names and addresses are never read.",
    "read_customers": "Only the number of a customer, kept under a random pseudonym, so that it can be forgotten; "
    "and who accepts marketing, when you ask for a file for your mailing tool.",
    "read_all_orders": "A full year of orders shows seasons. Without it Shopify shows the last 60 days.",
    "read_products": "Titles, prices and availability, so that nothing sold out is recommended.",
    "write_products": "Recommendation lists are written to a metafield of each product.",
    "read_inventory": "Stock per day, so that a day without stock is not mistaken for a day without demand.",
    "read_locations": "Which stock counts towards online sales.",
    "write_app_proxy": "Recommendations for carts are answered under your own domain.",
    "read_themes": "Whether the recommendation block is part of your theme.",
    "write_pixels": "Counts views and clicks of recommendations, where the visitor agreed.",
    "read_customer_events": "Counts views and clicks of recommendations, where the visitor agreed.",
}


@dataclass(frozen=True)
class Holdings:
    """Rows of a shop, and since when."""

    orders: int
    lines: int
    products: int
    oldest_on: date | None
    parked: int
    """Deliveries that could not be understood and wait for a person."""


def holdings(db: Session, at: Standing) -> Holdings:
    """Count them."""
    orders, oldest_on = db.execute(
        select(func.count(), func.min(Order.created_on)).where(Order.shop_id == at.shop_id)
    ).one()
    return Holdings(
        orders=orders,
        lines=_count(db, OrderLine.shop_id == at.shop_id),
        products=_count(db, Product.shop_id == at.shop_id),
        oldest_on=oldest_on,
        parked=_count(db, Event.shop == at.domain, Event.state == EventState.PARKED),
    )


def _count(db: Session, *conditions) -> int:  # type: ignore[no-untyped-def]
    return db.scalar(select(func.count()).where(*conditions)) or 0
