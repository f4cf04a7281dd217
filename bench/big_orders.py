"""Orders as large as Shopify sends them: six lines with their taxes, discounts and addresses, about 17 KB."""

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from devstore.sales.model import Line, Order, ShopFacts
from devstore.sales.payloads import order_payload

FACTS = ShopFacts("Bench", "EUR", "Europe/Berlin", "DE")
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
FIRST_ID = 5_600_000_000_000
LINES = 6
PROPERTIES = ("_engraving", "_gift_wrap")


def body(number: int, seconds_later: int = 0) -> bytes:
    """The body of a webhook about order `number`, as it stood so much later."""
    return orjson.dumps(payload(number, seconds_later))


def payload(number: int, seconds_later: int = 0) -> dict[str, Any]:
    """The same as a dictionary: the local Shopify's payload, with the parts it leaves empty filled in."""
    told = order_payload(_order(number, seconds_later), FACTS)
    for line in told["line_items"]:
        line["tax_lines"] = [_tax(rate, line["price"]) for rate in (0.14, 0.05)]
        line["discount_allocations"] = [{"amount": "1.00", "amount_set": _set("1.00"), "discount_application_index": 0}]
        line["properties"] = [{"name": name, "value": _token(line["id"], name)} for name in PROPERTIES]
    shipping = {"id": number, "title": "Standard", "price": "4.90", "price_set": _set("4.90"), "code": "STD"}
    told["shipping_lines"] = [shipping | {"tax_lines": [_tax(0.19, "4.90")], "discounted_price_set": _set("4.90")}]
    told["tax_lines"] = [_tax(rate, "29.90") for rate in (0.14, 0.05)]
    told["discount_applications"] = [
        {"target_type": "line_item", "type": "automatic", "value": "5.0", "title": "Spring"}
    ]
    for name in ("token", "cart_token", "checkout_token", "confirmation_number", "order_status_url"):
        told[name] = _token(number, name)
    told["client_details"] = {"user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "session_hash": _token(number, "s")}
    told["landing_site"] = f"/products/thing-{number % 400}?utm_source=newsletter&utm_campaign=spring-{number % 7}"
    return told


def _order(number: int, seconds_later: int) -> Order:
    dice = random.Random(number)
    at = START + timedelta(seconds=number * 31)
    lines = tuple(_line(number, position, dice) for position in range(LINES))
    total = sum(line.quantity * float(line.price) for line in lines)
    later = at + timedelta(seconds=seconds_later)
    customer = 7_000_000_000_000 + dice.randrange(20_000)
    return Order(FIRST_ID + number, customer, at, later, None, False, f"{total:.2f}", lines, number)


def _line(number: int, position: int, dice: random.Random) -> Line:
    product, units = dice.randrange(1, 800), dice.choice((1, 1, 1, 2, 3))
    title = f"Stoneware bowl with a lid, glazed, number {product}"
    ids = (FIRST_ID + number * LINES + position, 8_000_000_000_000 + product, 9_000_000_000_000 + product)
    return Line(*ids, f"SKU-{product:05}", title, units, units, f"{product % 60 + 0.9:.2f}")


def _token(number: int, name: str) -> str:
    return hashlib.sha256(f"{number} {name}".encode()).hexdigest()


def _tax(rate: float, price: str) -> dict[str, Any]:
    amount = f"{float(price) * rate:.2f}"
    return {"title": "VAT", "rate": rate, "price": amount, "price_set": _set(amount), "channel_liable": False}


def _set(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currency_code": FACTS.currency}
    return {"shop_money": money, "presentment_money": money}
