"""GET /reorder: what to order today, how many, from whom, and why. POST: say what was ordered."""

import re
from collections import defaultdict
from datetime import date, timedelta

from flask import Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from shopify_app.errors import Conflict
from shopify_app.lifecycle import reordering, replenishing
from shopify_app.lifecycle.advice import Advice, Line, Need
from shopify_app.records import variants, vendors
from shopify_app.records.vendors import Bought
from shopify_app.web.pages import bp, room, sheets
from shopify_app.web.pages.reading import reorder, standing

PER_PAGE = 50
SHOWN: dict[str, Need | None] = {"now": Need.NOW, "later": Need.LATER, "unknown": Need.UNKNOWN, "all": None}
ON_THE_WAY, SOLD_OUT = "ordered", "out"
MOST_UNITS = 10_000_000
UNITS, THING = re.compile(r"[0-9]{1,9}"), re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
COLUMNS = (
    "vendor",
    "product_id",
    "title",
    "variant_id",
    "variant",
    "sku",
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
        show = show if show in (*SHOWN, ON_THE_WAY, SOLD_OUT) else "now"
        known = {shelf.vendor for shelf in found.shelves}
        vendor = _asked_vendor(known)
        fresh = reorder.freshness(found)
        is_hidden = at.is_stale or fresh.is_hidden
        places = [] if is_hidden or show == ON_THE_WAY else _listed(found, show, vendor)
        shown, pager = room.paged(places, PER_PAGE)
        return room.page(
            "reorder",
            at,
            found=found,
            fresh=fresh,
            is_hidden=is_hidden,
            summary=reorder.summary(found, vendor),
            tallied=replenishing.newest(db, at.shop_id),
            groups=reorder.groups(db, at, found, shown),
            on_the_way=reorder.on_the_way(db, at) if show == ON_THE_WAY else [],
            vendors=reorder.labels(name for name in vendors.names(db, at.shop_id) if name in known),
            vendor=vendor,
            show=show,
            listed=len(places),
            **pager,
            per_page=PER_PAGE,
        )


@bp.get("/reorder.csv")
def reorder_sheet() -> Response:
    """The same list without pages, a row for each variant. Old data leaves its quantities out, as the page does."""
    with room.database().reading() as db:
        at = room.here(db)
        found = reorder.advice(db, room.objects(), at) if at.is_ready else None
        if found is None:
            return sheets.sheet(COLUMNS, [])
        is_hidden = at.is_stale or reorder.freshness(found).is_hidden
        vendor = _asked_vendor({shelf.vendor for shelf in found.shelves})
        lines = [found.line(place) for place in _listed(found, request.args.get("show", ""), vendor)]
        numbers = [line.product_id for line in lines]
        known, skus = reorder.titles(db, at, numbers), variants.skus(db, at.shop_id, numbers)
    return sheets.sheet(COLUMNS, [row for line in lines for row in _rows(line, known, skus, is_hidden)])


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
    """Products and units of a form: fields `units-<product id>`, or `units-<product id>-<variant id>` of those with
    several variants; empty ones and zeros were not ordered.
    """
    whole: dict[int, int] = {}
    parts: dict[int, dict[int, int]] = defaultdict(dict)
    for name, text in form.items():
        thing = THING.fullmatch(name.removeprefix("units-"))
        if name.startswith("units-") and thing and text.strip():
            units = int(text) if UNITS.fullmatch(text.strip()) else MOST_UNITS + 1
            if units > MOST_UNITS:
                raise Conflict(f"{text[:20]!r} is no number of units from 0 to {MOST_UNITS:,}; nothing was noted")
            product_id, variant_id = int(thing[1]), int(thing[2] or 0)
            if units and variant_id:
                parts[product_id][variant_id] = units
            elif units:
                whole[product_id] = units
    bought = [Bought(number, sum(mine.values()), due_on, mine) for number, mine in parts.items()]
    if any(one.units > MOST_UNITS for one in bought):
        raise Conflict(f"a product's variants are more than {MOST_UNITS:,} units together; nothing was noted")
    return bought + [Bought(number, units, due_on) for number, units in whole.items() if number not in parts]


def _listed(found: Advice, show: str, vendor: str | None) -> list[int]:
    return reorder.sold_out(found, vendor) if show == SOLD_OUT else found.places(SHOWN.get(show), vendor)


def _asked_vendor(known: set[str]) -> str | None:
    """The vendor of the address, which has one only as `?vendor=`; one that sells nothing is nobody."""
    asked = request.args.get("vendor")
    if asked is None or asked == "*":
        return None
    return asked if asked in known else None


def _rows(line: Line, known: dict[int, tuple[str, bool]], skus: dict[int, str], is_hidden: bool) -> list[list[object]]:
    """A product's row; of one with several variants theirs, because those are what is ordered."""
    title, _ = known.get(line.product_id, ("", True))
    if not line.variants:
        own = [None, "", skus.get(line.product_id, "")]
        return [_cells(line, line, line.order_units, [title, *own], is_hidden)]
    return [
        _cells(
            line,
            one.line,
            one.with_product if line.need == Need.NOW else one.line.order_units,
            [title, one.variant.variant_id, one.variant.title, one.variant.sku],
            is_hidden,
        )
        for one in line.variants
    ]


def _cells(line: Line, of: Line, order_units: int, named: list[object], is_hidden: bool) -> list[object]:
    numbers: list[object] = [
        of.in_stock,
        of.on_the_way,
        round(of.per_day, 3),
        line.terms.lead_days,
        round(of.lead_time_units, 2),
        line.terms.service_level,
        round(of.safety_units, 2),
        round(of.reorder_point, 2),
        of.runs_out_on,
        of.order_by_on,
        order_units,
    ]
    if is_hidden:
        numbers[2:] = [None] * len(numbers[2:])
    return [line.vendor, line.product_id, *named, "" if is_hidden else of.need.value, *numbers]
