"""Webhook payloads: reading an order out of one, and writing those that the shop itself sends."""

from datetime import UTC, datetime
from typing import Any

from devstore.sales.model import Line, Order, Refund, ShopFacts
from devstore.sales.payloads import LOCATION_ID

MONEY_FORMATS = (
    *("money_format", "money_in_emails_format"),
    *("money_with_currency_format", "money_with_currency_in_emails_format"),
)
SHOP_UNSAID: dict[str, Any] = {
    **dict.fromkeys(("address2", "auto_configure_tax_inclusivity", "county_taxes", "created_at", "google_apps_domain")),
    **dict.fromkeys(("google_apps_login_enabled", "latitude", "longitude", "password_enabled", "source")),
    **dict.fromkeys(("tax_shipping", "taxes_included", "updated_at")),
    **dict.fromkeys(("checkout_api_supported", "eligible_for_payments", "finances", "has_storefront"), True),
    **dict.fromkeys(("has_discounts", "has_gift_cards", "marketing_sms_consent_enabled_at_checkout"), False),
    **dict.fromkeys(("multi_location_enabled", "pre_launch_enabled", "requires_extra_payments_agreement"), False),
    **dict.fromkeys(("setup_required", "transactional_sms_disabled"), False),
    "address1": "1 Example Street",
    "city": "Exampleton",
    "zip": "00000",
    "phone": "555-0100",
    "province": "Example Province",
    "province_code": "EX",
    "primary_location_id": LOCATION_ID,
    "weight_unit": "kg",
}
"""Fields of a shop that the dev store has no story for."""


def order_of(payload: dict[str, Any]) -> Order:
    """The order of an `orders/*` payload."""
    return Order(
        order_id=int(payload["id"]),
        customer_id=(payload.get("customer") or {}).get("id"),
        created_at=datetime.fromisoformat(payload["created_at"]),
        updated_at=datetime.fromisoformat(payload["updated_at"]),
        cancelled_at=_moment(payload.get("cancelled_at")),
        test=bool(payload.get("test")),
        total_price=str(payload["total_price"]),
        lines=tuple(_line(line) for line in payload["line_items"]),
        number=int(payload.get("number") or 0),
        refunds=tuple(_refund(refund) for refund in payload.get("refunds", ())),
    )


def _line(payload: dict[str, Any]) -> Line:
    return Line(
        line_id=int(payload["id"]),
        product_id=payload["product_id"],
        variant_id=payload["variant_id"],
        sku=str(payload["sku"] or ""),
        title=str(payload["title"]),
        quantity=int(payload["quantity"]),
        current_quantity=int(payload["current_quantity"]),
        price=str(payload["price"]),
    )


def _refund(payload: dict[str, Any]) -> Refund:
    lines = tuple(
        (int(line["line_item_id"]), int(line["quantity"]), f"{float(line['subtotal']):.2f}")
        for line in payload["refund_line_items"]
    )
    return Refund(int(payload["id"]), datetime.fromisoformat(payload["created_at"]), lines)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def uninstalled(shop_id: int, domain: str, facts: ShopFacts) -> dict[str, Any]:
    """`app/uninstalled`: the shop itself."""
    return {
        **SHOP_UNSAID,
        **dict.fromkeys(MONEY_FORMATS, "{{amount}} " + facts.currency),
        "id": shop_id,
        "name": facts.name,
        "email": "owner@example.com",
        "customer_email": "shop@example.com",
        "domain": domain,
        "country": facts.country,
        "country_code": facts.country,
        "country_name": facts.country,
        "enabled_presentment_currencies": [facts.currency],
        "currency": facts.currency,
        "iana_timezone": facts.time_zone,
        "timezone": facts.time_zone,
        "shop_owner": "Alice Merchant",
        "plan_name": "partner_test",
        "plan_display_name": "Development",
        "myshopify_domain": domain,
        "primary_locale": "en",
    }


def scopes_update(shop_id: int, previous: list[str], current: list[str]) -> dict[str, Any]:
    """`app/scopes_update`: what was granted and what is."""
    return {
        "id": 1,
        "shop_id": f"gid://shopify/Shop/{shop_id}",
        "previous": previous,
        "current": current,
        "updated_at": _now(),
    }


def bulk_finish(operation: str, status: str, error_code: str | None, created_at: str) -> dict[str, Any]:
    """`bulk_operations/finish`: how a bulk operation ended; its result has to be asked for."""
    return {
        "admin_graphql_api_id": operation,
        "completed_at": _now(),
        "created_at": created_at,
        "error_code": error_code.lower() if error_code else None,
        "status": status.lower(),
        "type": "query",
    }


def compliance(
    topic: str, shop_id: int, domain: str, customer_id: int | None, order_ids: list[int], request_id: int
) -> dict[str, Any]:
    """The three privacy topics. Raises ValueError for another topic or when the customer is missing."""
    shop = {"shop_id": shop_id, "shop_domain": domain}
    if topic == "shop/redact":
        return shop
    if customer_id is None:
        raise ValueError(f"{topic} needs a customer_id")
    customer = {"id": customer_id, "email": f"customer-{customer_id}@example.com", "phone": "555-625-1199"}
    if topic == "customers/redact":
        return {**shop, "customer": customer, "orders_to_redact": order_ids}
    if topic == "customers/data_request":
        data_request = {"id": request_id}
        return {**shop, "customer": customer, "orders_requested": order_ids, "data_request": data_request}
    raise ValueError(f"{topic} is no privacy topic")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
