"""GET /reorder: what to order today, how many, from whom, and why. POST: say what was ordered."""

import re
from datetime import date, timedelta

from flask import Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from shopify_app.errors import Conflict
from shopify_app.lifecycle import reordering, replenishing
from shopify_app.lifecycle.reordering import Advice, Need
from shopify_app.records import vendors
from shopify_app.records.vendors import Bought
from shopify_app.web.pages import bp, room, sheets
from shopify_app.web.pages.reading import reorder, standing

PER_PAGE = 50
SHOWN: dict[str, Need | None] = {"now": Need.NOW, "later": Need.LATER, "unknown": Need.UNKNOWN, "all": None}
ON_THE_WAY = "ordered"
MOST_UNITS = 10_000_000
UNITS, PRODUCT = re.compile(r"[0-9]{1,9}"), re.compile(r"[0-9]{1,18}")
COLUMNS = (
    "vendor",
    "product_id",
    "title",
    "advice",
    "in_stock",
    "on_the_way",
    "expected_per_day",
    "lead_time_days",
    "expected_in_lead_time",
    "service_level",
    "safety_units",
    "reorder_point",
    "runs_out_on",
    "order_by_on",
    "order_units",
)


@bp.get("/reorder")
def ordering() -> tuple[str, int]:
    """The list, or what was ordered and is on its way."""
    with room.database().reading() as db:
        at = room.here(db)
        found = reorder.advice(db, room.objects(), at) if at.is_ready else None
        if found is None:
            return room.page("reorder", at, steps=standing.steps(db, at), found=None)
        show = request.args.get("show", "")
        show = show if show in (*SHOWN, ON_THE_WAY) else "now"
        known = {shelf.vendor for shelf in found.shelves}
        vendor = _asked_vendor(known)
        fresh = reorder.freshness(db, at, found)
        is_hidden = at.is_stale or fresh.is_hidden
        places = [] if is_hidden or show == ON_THE_WAY else found.places(SHOWN[show], vendor)
        pages = max(-(-len(places) // PER_PAGE), 1)
        page = min(max(request.args.get("page", 1, type=int), 1), pages)
        return room.page(
            "reorder",
            at,
            found=found,
            fresh=fresh,
            is_hidden=is_hidden,
            summary=reorder.summary(found, vendor),
            tallied=replenishing.newest(db, at.shop_id),
            groups=reorder.groups(db, at, found, places[(page - 1) * PER_PAGE : page * PER_PAGE]),
            on_the_way=reorder.on_the_way(db, at) if show == ON_THE_WAY else [],
            vendors=reorder.labels(name for name in vendors.names(db, at.shop_id) if name in known),
            vendor=vendor,
            show=show,
            listed=len(places),
            page=page,
            pages=pages,
            per_page=PER_PAGE,
        )


@bp.get("/reorder.csv")
def reorder_sheet() -> Response:
    """The same list without pages. Old data leaves its quantities out, as the page does."""
    with room.database().reading() as db:
        at = room.here(db)
        found = reorder.advice(db, room.objects(), at) if at.is_ready else None
        if found is None:
            return sheets.sheet(COLUMNS, [])
        is_hidden = at.is_stale or reorder.freshness(db, at, found).is_hidden
        need = SHOWN.get(request.args.get("show", ""))
        places = found.places(need, _asked_vendor({shelf.vendor for shelf in found.shelves}))
        known = reorder.titles(db, at, [found.shelves[place].product_id for place in places])
    return sheets.sheet(COLUMNS, [_cells(found, place, known, is_hidden) for place in places])


@bp.post("/reorder/purchases")
def purchases() -> AnyResponse:
    """Keep what was ordered from a vendor today: it counts as on its way until it is due."""
    with room.database().transaction() as db:
        at = room.here(db)
        vendor = request.form.get("vendor", "")[:255]
        terms = reordering.terms_of(at.policy, vendors.said(db, at.shop_id), {vendor})[vendor]
        bought = read(request.form, at.today_on + timedelta(days=terms.lead_days))
        if not bought:
            raise Conflict("no product with a number of units was given, so nothing was noted")
        vendors.buy(db, at.shop_id, at.today_on, bought)
    return room.back("/reorder", "ordered")


@bp.post("/reorder/purchases/<int:product_id>/forget")
def forget(product_id: int) -> AnyResponse:
    """It has arrived early, or was not ordered after all."""
    try:
        day = date.fromisoformat(request.form.get("purchased_on", ""))
    except ValueError:
        raise Conflict("the day on which it was ordered is missing, so nothing was changed") from None
    with room.database().transaction() as db:
        if product_id < 10**18:
            vendors.forget(db, room.shop(db).id, product_id, day)
    return room.back(f"/reorder?show={ON_THE_WAY}", "forgotten")


def read(form: MultiDict[str, str], due_on: date) -> list[Bought]:
    """Products and units of a form: fields `units-<product id>`; empty ones and zeros were not ordered."""
    bought = []
    for name, text in form.items():
        number = name.removeprefix("units-")
        if number != name and PRODUCT.fullmatch(number) and text.strip():
            units = int(text) if UNITS.fullmatch(text.strip()) else MOST_UNITS + 1
            if units > MOST_UNITS:
                raise Conflict(f"{text[:20]!r} is no number of units from 0 to {MOST_UNITS:,}; nothing was noted")
            bought += [Bought(int(number), units, due_on)] if units else []
    return bought


def _asked_vendor(known: set[str]) -> str | None:
    """The vendor of the address, which has one only as `?vendor=`; one that sells nothing is nobody."""
    asked = request.args.get("vendor")
    if asked is None or asked == "*":
        return None
    return asked if asked in known else None


def _cells(found: Advice, place: int, known: dict[int, tuple[str, bool]], is_hidden: bool) -> list[object]:
    line = found.line(place)
    title, _ = known.get(line.product_id, ("", True))
    numbers: list[object] = [
        line.in_stock,
        line.on_the_way,
        round(line.per_day, 3),
        line.terms.lead_days,
        round(line.lead_time_units, 2),
        line.terms.service_level,
        round(line.safety_units, 2),
        round(line.reorder_point, 2),
        line.runs_out_on,
        line.order_by_on,
        line.order_units,
    ]
    if is_hidden:
        numbers[2:] = [None] * len(numbers[2:])
    return [line.vendor, line.product_id, title, "" if is_hidden else line.need.value, *numbers]
