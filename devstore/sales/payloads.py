"""REST resource JSON of orders, refunds, products and stock levels, as webhooks carry it.

Ids are integers, money is text, times carry the shop's offset. The only person in it is an invented customer, there so
that `include_fields` has something to leave out.
"""

from datetime import datetime
from typing import Any

from devstore.sales import money, unsaid
from devstore.sales.model import Line, Order, Product, Refund, ShopFacts
from devstore.sales.unsaid import price_set

LOCATION_ID = 90_000_000_001
STAFF_ID = 91_000_000_001

Json = dict[str, Any]


def order_payload(order: Order, facts: ShopFacts) -> Json:
    """The order as `orders/create`, `orders/updated` and `orders/cancelled` send it."""
    created = _time(order.created_at)
    return {
        **unsaid.of_order(order, facts),
        "id": order.order_id,
        "admin_graphql_api_id": f"gid://shopify/Order/{order.order_id}",
        "name": f"#{order.number or order.order_id}",
        "number": order.number or order.order_id,
        "order_number": order.number or order.order_id,
        "app_id": None,
        "source_name": "web",
        "created_at": created,
        "processed_at": created,
        "updated_at": _time(order.updated_at),
        "cancelled_at": _time(order.cancelled_at) if order.cancelled_at else None,
        "cancel_reason": "customer" if order.cancelled_at else None,
        "closed_at": None,
        "confirmed": True,
        "test": order.test,
        "financial_status": _financial_status(order),
        "fulfillment_status": None,
        "currency": facts.currency,
        "presentment_currency": facts.currency,
        "taxes_included": True,
        **_totals(order, facts),
        "discount_codes": [],
        "discount_applications": [],
        "note": None,
        "note_attributes": [],
        "tags": "",
        "email": _email(order.customer_id) if order.customer_id else None,
        "contact_email": _email(order.customer_id) if order.customer_id else None,
        "phone": None,
        "browser_ip": "192.0.2.1" if order.customer_id else None,
        "customer_locale": "en",
        "billing_address": _address(order.customer_id, facts) if order.customer_id else None,
        "shipping_address": _address(order.customer_id, facts) if order.customer_id else None,
        "customer": _customer(order.customer_id, facts) if order.customer_id else None,
        "line_items": [_line_item(line, facts) for line in order.lines],
        "shipping_lines": [],
        "fulfillments": [],
        "refunds": [refund_payload(refund, order, facts) for refund in order.refunds],
    }


def _totals(order: Order, facts: ShopFacts) -> Json:
    """What was bought, and what of it still stands."""
    current = money.text(sum(line.current_quantity * money.cents(line.price) for line in order.lines))
    return {
        "total_price": order.total_price,
        "subtotal_price": order.total_price,
        "current_total_price": current,
        "current_subtotal_price": current,
        "current_subtotal_price_set": price_set(current, facts),
        "total_line_items_price": order.total_price,
        "total_line_items_price_set": price_set(order.total_price, facts),
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "total_price_set": price_set(order.total_price, facts),
        "subtotal_price_set": price_set(order.total_price, facts),
        "current_total_price_set": price_set(current, facts),
    }


def refund_payload(refund: Refund, order: Order, facts: ShopFacts) -> Json:
    """The refund as `refunds/create` sends it and as an order lists it."""
    when = _time(refund.created_at)
    lines = {line.line_id: line for line in order.lines}
    return {
        "id": refund.refund_id,
        "admin_graphql_api_id": f"gid://shopify/Refund/{refund.refund_id}",
        "order_id": order.order_id,
        "created_at": when,
        "processed_at": when,
        "note": "Sent back",
        "restock": True,
        "user_id": STAFF_ID,
        "duties": [],
        "total_duties_set": price_set("0.00", facts),
        "order_adjustments": [],
        "refund_shipping_lines": [],
        "return": None,
        "refund_line_items": [
            {
                "id": refund.refund_id * 10 + place,
                "line_item_id": line_id,
                "quantity": units,
                "restock_type": "cancel" if order.cancelled_at else "return",
                "location_id": LOCATION_ID,
                "subtotal": float(amount),
                "total_tax": 0.0,
                "subtotal_set": price_set(amount, facts),
                "total_tax_set": price_set("0.00", facts),
                "line_item": _line_item(lines[line_id], facts),
            }
            for place, (line_id, units, amount) in enumerate(refund.lines)
        ],
        "transactions": [],
    }


def product_payload(product: Product, available: int) -> Json:
    """The product as `products/create` and `products/update` send it, with its single variant."""
    created, updated = _time(product.created_at), _time(product.updated_at or product.created_at)
    gid = f"gid://shopify/Product/{product.product_id}"
    image = _image(product, created, updated)
    option = {"id": product.product_id * 10 + 1, "name": "Title", "position": 1, "values": ["Default Title"]}
    return {
        "id": product.product_id,
        "admin_graphql_api_id": gid,
        "title": product.title,
        "body_html": "",
        "handle": product.handle,
        "product_type": product.product_type,
        "vendor": product.vendor,
        "tags": ", ".join(product.tags),
        "status": product.status.lower(),
        "template_suffix": None,
        "published_scope": "web",
        "published_at": created,
        "created_at": created,
        "updated_at": updated,
        "variants": [_variant(product, available, created, updated)],
        "options": [{**option, "product_id": product.product_id}],
        "images": [image] if image else [],
        "media": [],
        "category": None,
        "has_variants_that_requires_components": False,
        "image": image,
        "variant_gids": [
            {"admin_graphql_api_id": f"gid://shopify/ProductVariant/{product.variant_id}", "updated_at": updated}
        ],
    }


def inventory_level_payload(product: Product, available: int, when: datetime) -> Json:
    """The stock of one product at the shop's only location; like the real one it has no root id."""
    gid = f"gid://shopify/InventoryLevel/{LOCATION_ID}?inventory_item_id={product.inventory_item_id}"
    return {
        "inventory_item_id": product.inventory_item_id,
        "location_id": LOCATION_ID,
        "available": available,
        "updated_at": _time(when),
        "admin_graphql_api_id": gid,
    }


def _time(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def _financial_status(order: Order) -> str:
    if order.cancelled_at:
        return "refunded"
    if not order.refunds:
        return "paid"
    return "partially_refunded" if any(line.current_quantity for line in order.lines) else "refunded"


def _email(customer_id: int) -> str:
    return f"customer-{customer_id}@example.com"


def _customer(customer_id: int, facts: ShopFacts) -> Json:
    return {
        "id": customer_id,
        "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}",
        "first_name": "Customer",
        "last_name": str(customer_id % 100_000),
        "email": _email(customer_id),
        "phone": None,
        "state": "disabled",
        "verified_email": True,
        "note": None,
        "currency": facts.currency,
        "default_address": {
            "id": customer_id * 10,
            "customer_id": customer_id,
            "default": True,
            "country_name": facts.country,
            **_address(customer_id, facts),
        },
        **unsaid.CUSTOMER,
    }


def _address(customer_id: int, facts: ShopFacts) -> Json:
    return {
        "first_name": "Customer",
        "last_name": str(customer_id % 100_000),
        "name": f"Customer {customer_id % 100_000}",
        "address1": f"{customer_id % 200 + 1} Example Street",
        "address2": None,
        "city": "Exampleton",
        "zip": "00000",
        "company": None,
        "country_code": facts.country,
        **unsaid.of_address(facts),
    }


def _line_item(line: Line, facts: ShopFacts) -> Json:
    return {
        "id": line.line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line.line_id}",
        "product_id": line.product_id,
        "product_exists": line.product_id is not None,
        "variant_id": line.variant_id,
        "variant_title": None,
        "sku": line.sku,
        "title": line.title,
        "name": line.title,
        "vendor": None,
        "quantity": line.quantity,
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": line.current_quantity,
        "fulfillment_status": None,
        "price": line.price,
        "price_set": price_set(line.price, facts),
        "total_discount": "0.00",
        "total_discount_set": price_set("0.00", facts),
        "discount_allocations": [],
        "duties": [],
        "tax_lines": [],
        "fulfillment_service": "manual",
        "grams": 0,
        "gift_card": False,
        "variant_inventory_management": "shopify",
        "attributed_staffs": [],
        "taxable": True,
        "requires_shipping": True,
        "properties": [],
    }


def _image(product: Product, created: str, updated: str) -> Json | None:
    if not product.image_url:
        return None
    image_id = product.product_id + 1
    return {
        "id": image_id,
        "admin_graphql_api_id": f"gid://shopify/MediaImage/{image_id}",
        "product_id": product.product_id,
        "src": product.image_url,
        "alt": None,
        "width": 1000,
        "height": 1000,
        "position": 1,
        "variant_ids": [],
        "created_at": created,
        "updated_at": updated,
    }


def _variant(product: Product, available: int, created: str, updated: str) -> Json:
    return {
        "id": product.variant_id,
        "admin_graphql_api_id": f"gid://shopify/ProductVariant/{product.variant_id}",
        "product_id": product.product_id,
        "title": "Default Title",
        "option1": "Default Title",
        "option2": None,
        "option3": None,
        "image_id": None,
        "sku": product.sku,
        "barcode": None,
        "position": 1,
        "price": product.price,
        "compare_at_price": product.compare_at_price,
        "taxable": True,
        "inventory_policy": "deny",
        "inventory_item_id": product.inventory_item_id,
        "inventory_quantity": available,
        "old_inventory_quantity": available,
        "created_at": created,
        "updated_at": updated,
    }
