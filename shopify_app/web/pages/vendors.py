"""GET /settings/vendors and the form of one vendor: how it delivers, where that differs from the shop's own terms."""

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from shopify_app.errors import NotFound
from shopify_app.lifecycle import reordering
from shopify_app.policy import BOUNDS
from shopify_app.records import vendors
from shopify_app.web.pages import bp, room
from shopify_app.web.pages.reading.reorder import NO_VENDOR
from shopify_app.web.pages.settings import within

SERVICE = "service_percent"
LIMITS = {name: BOUNDS[name] for name in vendors.FIELDS if name != "service_level"} | {
    SERVICE: (100 * BOUNDS["service_level"][0], 100 * BOUNDS["service_level"][1])
}
PER_PAGE = 50


@bp.get("/settings/vendors")
def all_vendors() -> tuple[str, int]:
    """Every vendor with the terms that count for it."""
    with room.database().reading() as db:
        at = room.here(db)
        own, products = vendors.said(db, at.shop_id), vendors.names(db, at.shop_id)
        names = list(dict.fromkeys([*products, *own]))
        shown, pager = room.paged(names, PER_PAGE)
        terms = reordering.terms_of(at.policy, own, set(shown))
        rows = [(name, name or NO_VENDOR, products.get(name, 0), terms[name], name in own) for name in shown]
        return room.page("vendors", at, rows=rows, found=len(names), **pager)


@bp.get("/settings/vendor")
def one_vendor() -> tuple[str, int]:
    """The form as it stands; empty fields are the shop's own terms."""
    name = request.args.get("name", "")
    with room.database().reading() as db:
        own = _own(db, name)
    values = {field: "" if own.get(field) is None else f"{own[field]:g}" for field in vendors.FIELDS}
    level = own.get("service_level")
    return _form(name, values | {SERVICE: "" if level is None else f"{100 * level:g}"}, {})


@bp.post("/settings/vendor")
def keep_terms() -> Response | tuple[str, int]:
    """Keep what was entered, if all of it can be; else show every mistake beside its field, and keep nothing."""
    name = request.form.get("name", "")
    terms, errors = read(request.form)
    if errors:
        return _form(name, request.form, errors, 422)
    with room.database().transaction() as db:
        _own(db, name)
        vendors.say(db, room.shop(db).id, name, terms)
    return room.back("/settings/vendors", "saved")


def read(form: Mapping[str, str]) -> tuple[dict[str, float | None], dict[str, str]]:
    """What a form asks for, by the tables' names, and what is wrong with it, by the form's. Empty is None."""
    terms: dict[str, float | None] = {}
    errors: dict[str, str] = {}
    for field, (low, high) in LIMITS.items():
        text = form.get(field, "").strip()
        is_share = field == SERVICE
        try:
            value = within(text, low, high, whole=not is_share) if text else None
        except ValueError as wrong:
            errors[field] = f"{wrong} Or leave it empty for the shop’s own."
        else:
            terms["service_level" if is_share else field] = round(value / 100, 5) if is_share and value else value
    return terms, errors


def _own(db: Any, name: str) -> Mapping[str, float | None]:
    """What the vendor has of its own. Raises NotFound for one that neither products nor terms name."""
    shop_id = room.shop(db).id
    own = vendors.said(db, shop_id)
    if name not in own and name not in vendors.names(db, shop_id):
        raise NotFound(f"no product is from a vendor called “{name[:100]}”")
    return own.get(name, {})


def _form(name: str, values: Mapping[str, Any], errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    with room.database().reading() as db:
        at = room.here(db)
        _own(db, name)
        shops = {field: f"{getattr(at.policy, field):g}" for field in vendors.FIELDS}
        return room.page(
            "vendor",
            at,
            status=status,
            refused="Nothing was saved: some fields need another look." if errors else "",
            name=name,
            label=name or NO_VENDOR,
            values=values,
            errors=errors,
            shops=shops | {SERVICE: f"{100 * at.policy.service_level:g}"},
            bounds={field: (f"{low:g}", f"{high:g}") for field, (low, high) in LIMITS.items()},
        )
