"""What Shopify's order payloads say besides, and the dev store has no story for: the same in every order.

There so that an app meets every field of a real order, with its type; what the samples leave null is null here too.
"""

from typing import Any

from devstore.sales.model import Order, ShopFacts

Json = dict[str, Any]

NEVER = (
    *("cart_token", "checkout_token", "client_details", "confirmation_number", "device_id", "landing_site"),
    *("landing_site_ref", "location_id", "merchant_of_record_app_id", "payment_terms", "po_number", "reference"),
    *("referring_site", "source_identifier", "source_url", "user_id"),
    *("current_total_additional_fees_set", "current_total_duties_set"),
    *("original_total_additional_fees_set", "original_total_duties_set"),
)
NOTHING = ("line_item_groups", "returns", "tax_lines")
NO_MONEY = ("current_total_discounts", "current_total_tax", "total_outstanding", "total_tip_received")
NO_MONEY_SETS = (
    *("current_shipping_price_set", "current_total_discounts_set", "current_total_tax_set", "total_discounts_set"),
    *("total_shipping_price_set", "total_tax_set"),
    *("total_cash_rounding_payment_adjustment_set", "total_cash_rounding_refund_adjustment_set"),
)


def of_order(order: Order, facts: ShopFacts) -> Json:
    """The rest of an order."""
    token = f"{order.order_id:032x}"
    return {
        **dict.fromkeys(NEVER),
        **{name: [] for name in NOTHING},
        **dict.fromkeys(NO_MONEY, "0.00"),
        **dict.fromkeys(NO_MONEY_SETS, price_set("0.00", facts)),
        "buyer_accepts_marketing": False,
        "duties_included": False,
        "estimated_taxes": False,
        "tax_exempt": False,
        "total_weight": 0,
        "merchant_business_entity_id": "MTAwMDAwMDAwMDE",
        "payment_gateway_names": ["bogus"],
        "token": token,
        "order_status_url": f"https://shop.example/{order.order_id}/orders/{token}/authenticate?key=none",
    }


def price_set(amount: str, facts: ShopFacts) -> Json:
    """An amount in the shop's and in the customer's currency, which is the same one here."""
    priced = {"amount": amount, "currency_code": facts.currency}
    return {"shop_money": priced, "presentment_money": priced}


def of_address(facts: ShopFacts) -> Json:
    """The rest of an address."""
    return {
        "country": facts.country,
        "province": "Example Province",
        "province_code": "EX",
        "latitude": None,
        "longitude": None,
        "phone": "555-0100",
    }


CUSTOMER: Json = {
    "created_at": None,
    "updated_at": None,
    "multipass_identifier": None,
    "tax_exempt": False,
    "tax_exemptions": [],
}
