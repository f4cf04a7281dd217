"""Routes of the cart: its page, the forms that fill it, and the same as JSON for scripts."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from devstore.storefront import app_blocks, theme, views
from devstore.storefront.addresses import Addresses
from devstore.storefront.cart import COOKIE, NOTE, CannotAdd, Cart, CartLine
from devstore.storefront.prices import display
from devstore.storefront.protocols import Shop, Store


def add_routes(bp: Blueprint, store: Store, shop_of: Callable[[str], Shop]) -> None:
    """The cart of every shop of `store`."""

    @bp.get("/s/<handle>/cart")
    def cart(handle: str) -> str:
        return _page(store, shop_of(handle))

    @bp.post("/s/<handle>/cart/add")
    def add(handle: str) -> AnyResponse | tuple[str, int]:
        shop = shop_of(handle)
        try:
            filled = theme.cart(shop).add(request.form, shop)
        except CannotAdd as reason:
            return _page(store, shop, str(reason)), 422
        return _keep(shop, filled, redirect(_return_to(shop), 303))

    @bp.post("/s/<handle>/cart/change")
    def change(handle: str) -> AnyResponse:
        shop = shop_of(handle)
        return _keep(shop, theme.cart(shop).change(request.form), redirect(Addresses(shop.handle).cart, 303))

    @bp.post("/s/<handle>/cart/add.js")
    def add_by_script(handle: str) -> AnyResponse:
        shop = shop_of(handle)
        filled = theme.cart(shop)
        try:
            for asked in _asked():
                filled = filled.add(asked, shop)
        except CannotAdd as reason:
            refused = jsonify(status=422, message="Cart Error", description=str(reason))
            refused.status_code = 422
            return refused
        return _keep(shop, filled, jsonify(items=[_line(shop, line) for line in reversed(filled.lines)]))

    @bp.get("/s/<handle>/cart.js")
    def cart_for_scripts(handle: str) -> Response:
        shop = shop_of(handle)
        held = theme.cart(shop)
        lines = [_line(shop, line) for line in reversed(held.lines)]
        return jsonify(items=lines, item_count=held.units, total_price=held.cents, currency=shop.facts.currency)


def _page(store: Store, shop: Shop, problem: str | None = None) -> str:
    cart = theme.cart(shop)
    rows, total = views.cart_rows(shop, cart), display(cart.cents, shop.facts.currency)
    page = app_blocks.Page("cart", Addresses(shop.handle).cart, cart=cart)
    return theme.page(store, shop, page, "cart", rows=rows, total=total, problem=problem)


def _keep(shop: Shop, cart: Cart, answer: AnyResponse) -> AnyResponse:
    answer.set_cookie(COOKIE, cart.cookie(), path=Addresses(shop.handle).root, samesite="Lax", httponly=True)
    return answer


def _return_to(shop: Shop) -> str:
    """The cart, or the page of this shop that the form asks for."""
    wanted, root = request.form.get("return_to", ""), Addresses(shop.handle).root
    return wanted if wanted.startswith(f"{root}/") and "\\" not in wanted else Addresses(shop.handle).cart


def _asked() -> list[Mapping[str, str]]:
    """What a script wants added: a form, one object, or several under `items`."""
    told = request.get_json(silent=True)
    if not isinstance(told, dict):
        return [request.form]
    items = told.get("items", [told])
    return [_as_form(one) for one in items if isinstance(one, dict)] if isinstance(items, list) else []


def _as_form(item: dict[str, Any]) -> dict[str, str]:
    properties = item.get("properties")
    note = properties.get(NOTE) if isinstance(properties, dict) else None
    return {
        "id": str(item.get("id", "")),
        "quantity": str(item.get("quantity", 1)),
        **({f"properties[{NOTE}]": str(note)} if note else {}),
    }


def _line(shop: Shop, line: CartLine) -> dict[str, Any]:
    return {
        "id": line.product.variant_id,
        "product_id": line.product.product_id,
        "title": line.product.title,
        "quantity": line.units,
        "final_line_price": line.cents,
        "url": Addresses(shop.handle).product(line.product),
        "properties": {NOTE: str(line.recommended_on)} if line.recommended_on else {},
    }
