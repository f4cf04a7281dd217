"""GET /settings/rules and its form: what a merchant wants recommended, and what never."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from shopify_app.lifecycle.rules import ANY, KEY, VENDORS, Rules
from shopify_app.nudge import nudge
from shopify_app.records import jobs
from shopify_app.tables import Product
from shopify_app.web.pages import bp, handles, room
from shopify_app.web.pages.settings import within

LIMITS = {
    "cheapest_percent": (0, 1_000),
    "dearest_percent": (0, 10_000),
    "most_of_a_type": (0, 20),
    "most_of_a_vendor": (0, 20),
}
MOST = 100
"""Names in one field: enough for anybody, and what serving looks through for each answer."""


@bp.get("/settings/rules")
def rules() -> tuple[str, int]:
    """The form as it stands."""
    with room.database().reading() as db:
        shop = room.shop(db)
        values = _shown(db, shop.id, Rules.of(shop.settings))
    return _form(values, {})


@bp.post("/settings/rules")
def keep_rules() -> Response | tuple[str, int]:
    """Keep what was entered, if all of it can be, and write lists again; else show every mistake beside its field."""
    with room.database().transaction() as db:
        shop = room.shop(db)
        told, errors = read(request.form, handles.numbers(db, shop.id, _handles(request.form)))
        if not errors:
            shop.settings = {name: value for name, value in shop.settings.items() if name != KEY}
            if told.stored():
                shop.settings = {**shop.settings, KEY: told.stored()}
            jobs.ask(db, shop.id, "publish", "rules changed")
    if errors:
        return _form(request.form, errors, 422)
    nudge("work")
    return room.back("/settings/rules", "rules")


def read(form: Mapping[str, str], numbers: Mapping[str, int]) -> tuple[Rules, dict[str, str]]:
    """What a form asks for, and what is wrong with it, by field. numbers: products by handle, for pins."""
    errors: dict[str, str] = {}
    told: dict[str, Any] = {"vendor": form.get("vendor") if form.get("vendor") in VENDORS else ANY}
    for name, (low, high) in LIMITS.items():
        try:
            told[name] = within(form.get(name, "").strip() or "0", low, high, whole=True)
        except ValueError as wrong:
            errors[name] = str(wrong)
    for name in ("excluded_tags", "excluded_vendors"):
        told[name] = tuple(_names(form.get(name, "")))
    if told.get("dearest_percent") and told.get("cheapest_percent", 0) > told["dearest_percent"]:
        errors["cheapest_percent"] = "Enter less than the other end of the band."
    try:
        told["pinned"] = handles.products(_names(form.get("pinned", "")), numbers)
    except ValueError as wrong:
        errors["pinned"] = str(wrong)
    try:
        told["pins"] = {handles.product(one, numbers): handles.products(others, numbers) for one, others in _pins(form)}
    except ValueError as wrong:
        errors["pins"] = str(wrong)
    return (Rules() if errors else Rules(**told)), errors


def _names(text: str) -> list[str]:
    """What stands between commas, each once."""
    return handles.listed(text)[:MOST]


def _pins(form: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Pairs of a product and what is pinned beside it: `teapot: cup, strainer; mug: spoon`. Raises ValueError."""
    parts = [part.partition(":") for part in form.get("pins", "").split(";") if part.strip()]
    if any(not colon or not _names(others) for _, colon, others in parts):
        raise ValueError("Enter a product, a colon and what to show first: teapot: cup, strainer.")
    return [(one.strip(), _names(others)) for one, _, others in parts[:MOST]]


def _handles(form: Mapping[str, str]) -> set[str]:
    words = form.get("pinned", "").replace(";", ",").split(",")
    words += form.get("pins", "").replace(";", ",").replace(":", ",").split(",")
    return {word.strip() for word in words if word.strip()}


def _shown(db: Session, shop_id: int, told: Rules) -> dict[str, Any]:
    wanted = {*told.pinned, *told.pins, *(one for others in told.pins.values() for one in others)}
    mine = Product.shop_id == shop_id, Product.product_id.in_(sorted(wanted)), Product.deleted_at.is_(None)
    known = dict(db.execute(select(Product.product_id, Product.handle).where(*mine)).all())

    def named(products: Iterable[int]) -> str:
        return ", ".join(known[one] for one in products if one in known)

    pins = [(known[one], named(others)) for one, others in told.pins.items() if one in known]
    return {
        **{name: getattr(told, name) or "" for name in LIMITS},
        "vendor": told.vendor,
        "excluded_tags": ", ".join(told.excluded_tags),
        "excluded_vendors": ", ".join(told.excluded_vendors),
        "pinned": named(told.pinned),
        "pins": "; ".join(f"{one}: {others}" for one, others in pins if others),
    }


def _form(values: Mapping[str, Any], errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    with room.database().reading() as db:
        return room.page(
            "rules",
            room.here(db),
            status=status,
            refused="Nothing was saved: some fields need another look." if errors else "",
            values=values,
            errors=errors,
            bounds=LIMITS,
        )
