"""GET /promotions: what the shop told of its promotions, past and planned. POST: tell of one, or no longer."""

from collections.abc import Mapping
from datetime import date

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shopify_app.errors import NotFound
from shopify_app.lifecycle import promotions
from shopify_app.lifecycle.promotions import EVERYTHING, LONGEST_DAYS, MOST_CAMPAIGNS, Promotion
from shopify_app.tables import Product
from shopify_app.web.numbers import shopify_id
from shopify_app.web.pages import bp, handles, room
from shopify_app.web.pages.reading import groups
from shopify_app.web.pages.reading import promotions as reading
from shopify_app.web.pages.reading.groups import Kind

PER_PAGE = 50
MOST, MOST_AT_ONCE = 20_000, 100
LONGEST_CODE = 255
FIELDS = ("products", "collection", "first_on", "last_on", "code")
FULL = "Remove old ones first."


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
                errors["products"] = f"Promotions of more than {MOST:,} products cannot be kept. {FULL}"
            elif promotions.campaigns(table) > MOST_CAMPAIGNS:
                errors["code"] = f"At most {MOST_CAMPAIGNS} codes for all products can be told apart. {FULL}"
    if errors:
        return _form(request.form, errors, 422)
    promotions.add(room.database(), room.objects(), shop_id, new)
    return room.back("/promotions", "promotion")


@bp.post("/promotions/remove")
def unplan() -> Response:
    """Tell of a promotion no longer. Raises NotFound for what is no promotion."""
    form = request.form
    try:
        first_on, last_on = (date.fromisoformat(form.get(name, "")) for name in ("first_on", "last_on"))
    except ValueError:
        raise NotFound("there is no such promotion") from None
    with room.database().reading() as db:
        shop_id = room.shop(db).id
    promotions.remove(room.database(), room.objects(), shop_id, (first_on, last_on, form.get("code", "")))
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
    numbers: set[int] = set()
    try:
        numbers |= _products(db, shop_id, form.get("products", ""))
    except ValueError as wrong:
        errors["products"] = str(wrong)
    try:
        numbers |= _collection(db, shop_id, form.get("collection", ""))
    except ValueError as wrong:
        errors["collection"] = str(wrong)
    if errors:
        return [], errors
    series = [str(number) for number in sorted(numbers)] or [EVERYTHING]
    return [Promotion(days["first_on"], days["last_on"], code, one) for one in series], {}


def _products(db: Session, shop_id: int, text: str) -> set[int]:
    """Products by their handles. Raises ValueError with words for the field."""
    named = handles.listed(text)
    if len(named) > MOST_AT_ONCE:
        raise ValueError(f"Enter at most {MOST_AT_ONCE} products at once.")
    return set(handles.products(named, handles.numbers(db, shop_id, named)))


def _collection(db: Session, shop_id: int, text: str) -> frozenset[int]:
    """The products of a collection by its number. Raises ValueError with words for the field."""
    chosen = groups.chosen(db, shop_id, Kind.COLLECTION, text)
    if text and not (chosen and chosen.products):
        raise ValueError("No product is in that collection any more.")
    return chosen.products if chosen else frozenset()


def _form(values: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    with room.database().reading() as db:
        at = room.here(db)
        found = reading.occasions(promotions.told(db, room.objects(), at.shop_id))
        shown, pager = room.paged(found, PER_PAGE)
        return room.page(
            "promotions",
            at,
            status=status,
            refused="Nothing was saved: some fields need another look." if errors else "",
            values={name: values.get(name, "") for name in FIELDS},
            errors=errors,
            collections=groups.labels(db, at.shop_id, Kind.COLLECTION),
            rows=reading.lines(db, at.shop_id, shown, at.today_on),
            found=len(found),
            **pager,
        )
