"""GET /promotions: what the shop told of its promotions, past and planned. POST: tell of one, or no longer."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shopify_app.errors import NotFound
from shopify_app.lifecycle import promotions
from shopify_app.lifecycle.promotions import EVERYTHING, LONGEST_DAYS, MOST_CAMPAIGNS, Promotion
from shopify_app.tables import Product
from shopify_app.web.numbers import shopify_id
from shopify_app.web.pages import bp, room

PER_PAGE = 50
MOST, MOST_AT_ONCE = 5_000, 100
LONGEST_CODE = 255
FIELDS = ("products", "first_on", "last_on", "code")


@bp.get("/promotions")
def planned() -> tuple[str, int]:
    """The form, empty or for one product, and all that was told."""
    with room.database().reading() as db:
        shop_id, product_id = room.shop(db).id, request.args.get("product", 0, type=shopify_id)
        mine = Product.shop_id == shop_id, Product.product_id == product_id, Product.deleted_at.is_(None)
        handle = db.scalar(select(Product.handle).where(*mine)) or ""
    return _form({"products": handle}, {})


@bp.post("/promotions")
def plan() -> Response | tuple[str, int]:
    """Keep what was entered, if all of it can be; else show every mistake beside its field, and keep nothing."""
    with room.database().reading() as db:
        shop_id = room.shop(db).id
        new, errors = _asked(db, shop_id, request.form)
        if not errors:
            table = promotions.told(db, room.objects(), shop_id) | set(new)
            if len(table) > MOST:
                errors["products"] = f"More than {MOST:,} promotions cannot be kept. Remove old ones first."
            elif promotions.campaigns(table) > MOST_CAMPAIGNS:
                errors["code"] = (
                    f"At most {MOST_CAMPAIGNS} codes for all products can be told apart. Remove old ones first."
                )
    if errors:
        return _form(request.form, errors, 422)
    promotions.add(room.database(), room.objects(), shop_id, new)
    return room.back("/promotions", "promotion")


@bp.post("/promotions/remove")
def unplan() -> Response:
    """Tell of one promotion no longer. Raises NotFound for what is no promotion."""
    form = request.form
    try:
        days = [date.fromisoformat(form.get(name, "")) for name in ("first_on", "last_on")]
    except ValueError:
        raise NotFound("there is no such promotion") from None
    gone = Promotion(days[0], days[1], form.get("series", ""), form.get("code", ""))
    with room.database().reading() as db:
        shop_id = room.shop(db).id
    promotions.remove(room.database(), room.objects(), shop_id, gone)
    return room.back("/promotions", "promotion-gone")


def _asked(db: Session, shop_id: int, form: Mapping[str, str]) -> tuple[list[Promotion], dict[str, str]]:
    """What a form asks for, a line for each product, and what is wrong with it, by field."""
    errors: dict[str, str] = {}
    days: dict[str, date] = {}
    for name in ("first_on", "last_on"):
        try:
            days[name] = date.fromisoformat(form.get(name, "").strip())
        except ValueError:
            errors[name] = "Enter a day, such as 2026-11-27."
    if len(days) == 2 and not 0 <= (days["last_on"] - days["first_on"]).days < LONGEST_DAYS:
        errors["last_on"] = "Enter a day from the first one on, within a year."
    code = form.get("code", "").strip()
    if len(code) > LONGEST_CODE:
        errors["code"] = f"Enter at most {LONGEST_CODE} characters."
    series = [EVERYTHING]
    handles = list(dict.fromkeys(name.strip() for name in form.get("products", "").split(",") if name.strip()))
    if len(handles) > MOST_AT_ONCE:
        errors["products"] = f"Enter at most {MOST_AT_ONCE} products at once."
    elif handles:
        mine = Product.shop_id == shop_id, Product.handle.in_(handles), Product.deleted_at.is_(None)
        numbers = dict(db.execute(select(Product.handle, Product.product_id).where(*mine)).all())
        unknown = next((name for name in handles if name not in numbers), None)
        if unknown:
            errors["products"] = f"There is no product “{unknown[:100]}”. Use the last part of a product’s address."
        series = [str(numbers[name]) for name in handles if name in numbers]
    if errors:
        return [], errors
    return [Promotion(days["first_on"], days["last_on"], one, code) for one in series], {}


def _form(values: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    with room.database().reading() as db:
        at = room.here(db)
        table = sorted(promotions.told(db, room.objects(), at.shop_id), reverse=True)
        pages = max(-(-len(table) // PER_PAGE), 1)
        page = min(max(request.args.get("page", 1, type=int), 1), pages)
        shown = table[(page - 1) * PER_PAGE : page * PER_PAGE]
        titles = _titles(db, at.shop_id, [one.series for one in shown])
        return room.page(
            "promotions",
            at,
            status=status,
            refused="Nothing was saved: some fields need another look." if errors else "",
            values={name: values.get(name, "") for name in FIELDS},
            errors=errors,
            rows=[(one, titles.get(one.series, f"Product {one.series}"), _state(one, at.today_on)) for one in shown],
            found=len(table),
            page=page,
            pages=pages,
        )


def _titles(db: Session, shop_id: int, series: list[str]) -> dict[str, str]:
    numbers = sorted({int(one) for one in series if one.isascii() and one.isdigit() and len(one) < 20})
    mine = Product.shop_id == shop_id, Product.product_id.in_(numbers)
    found: Any = db.execute(select(Product.product_id, Product.title).where(*mine)).all()
    return {EVERYTHING: "All products", **{str(number): title for number, title in found}}


def _state(one: Promotion, today_on: date) -> str:
    if one.first_on > today_on:
        return "planned"
    return "over" if one.last_on < today_on else "running"
