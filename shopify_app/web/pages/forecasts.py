"""GET /forecasts and /forecasts/<product>: what will sell, and how earlier forecasts fared."""

from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from shopify_app.errors import NotFound
from shopify_app.tables import Task, Version
from shopify_app.web import charts
from shopify_app.web.charts import Day
from shopify_app.web.pages import bp, room, sheets
from shopify_app.web.pages.overview import sales_chart, windows
from shopify_app.web.pages.reading import accuracy, groups, history, products, reorder, standing, versions
from shopify_app.web.pages.reading.groups import Chosen, GroupRow, Kind
from shopify_app.web.pages.reading.products import Outlook, ProductRow
from shopify_app.web.pages.reading.standing import Standing

PER_PAGE = 25
SPANS = [f"next_{days}_days_{name}" for days in (7, 28) for name in ("expected", "p10", "p90")]


@bp.get("/forecasts")
def listed() -> tuple[str, int]:
    """The whole shop, then every product."""
    with room.database().reading() as db:
        at = room.here(db)
        if not at.is_ready:
            return room.page("forecasts", at, steps=standing.steps(db, at), rows=[])
        days, ahead = history.shop_days(db, at), windows(db, at)
        by = _by()
        if by is not None:
            return _by_group(db, at, by, days, ahead)
        q, chosen = _asked(db, at)
        found = _found(db, at, q, chosen)
        shown, pager = room.paged(found, PER_PAGE)
        rows = products.rows(db, room.objects(), at, shown)
        return room.page(
            "forecasts",
            at,
            **_whole_shop(db, at, days, ahead),
            kinds=groups.exist(db, at),
            rows=rows,
            sparks={row.product_id: charts.sparkline(row.weeks, _trend(row)) for row in rows},
            found=len(found),
            **pager,
            q=q,
            chosen=chosen,
        )


def _by_group(db: Session, at: Standing, by: Kind, days: list[Day], ahead: dict[int, Outlook]) -> tuple[str, int]:
    """The whole shop, then every product type or every collection."""
    rows = groups.rows(db, room.objects(), at, by)
    return room.page(
        "forecasts",
        at,
        **_whole_shop(db, at, days, ahead),
        kinds=groups.exist(db, at),
        by=by,
        groups=rows,
        rows=[],
        sparks={row.key: charts.sparkline(row.weeks, _trend(row)) for row in rows},
    )


def _whole_shop(db: Session, at: Standing, days: list[Day], ahead: dict[int, Outlook]) -> dict[str, Any]:
    return {
        **sales_chart(db, at, days),
        "week": ahead.get(7),
        "month": ahead.get(28),
        "total": accuracy.fared(db, at, "store_week"),
        "fared": accuracy.fared(db, at, "product_week"),
    }


@bp.get("/forecasts.csv")
def exported() -> Response:
    """The same table without pages, for a spreadsheet; of types with `?by=type`, of collections alike."""
    by = _by()
    if by is not None:
        return _groups_sheet(by)
    with room.database().reading() as db:
        at = room.here(db)
        rows = products.rows(db, room.objects(), at, _found(db, at, *_asked(db, at)))
    return sheets.sheet(
        ["product_id", "title", "sold_28_days", *SPANS, "in_stock", "past_accuracy"],
        [
            [row.product_id, row.title, row.sold, *_quantities(row, at.is_stale), row.in_stock, _share(row.accuracy)]
            for row in rows
        ],
    )


def _groups_sheet(by: Kind) -> Response:
    with room.database().reading() as db:
        at = room.here(db)
        rows = groups.rows(db, room.objects(), at, by)
    names = ["collection_id", "collection"] if by == Kind.COLLECTION else ["type"]
    cells = [
        [*_named(row), row.products, row.sold, *_quantities(row, at.is_stale), _share(row.accuracy)] for row in rows
    ]
    return sheets.sheet([*names, "products", "sold_28_days", *SPANS, "past_accuracy"], cells)


def _named(row: GroupRow) -> list[str | int]:
    """A collection's number as well: two may have the same title."""
    return [row.key, row.label] if row.kind == Kind.COLLECTION else [row.label]


@bp.get("/forecasts/<int:product_id>")
def product(product_id: int) -> tuple[str, int]:
    """One product, with every number explained."""
    with room.database().reading() as db:
        at = room.here(db)
        row = products.row(db, room.objects(), at, product_id)
        if row is None:
            raise NotFound(f"product {product_id} is not forecast: it has not sold in the last 26 weeks")
        days = history.product_days(db, room.objects(), at, product_id)
        weeks = products.past_weeks(db, room.objects(), at, product_id)
        champion = versions.champion(db, at, Task.FORECAST)
        return room.page(
            "product",
            at,
            row=row,
            **sales_chart(db, at, days),
            weeks=weeks,
            inside=sum(week.is_inside for week in weeks),
            version=versions.version_row(champion) if champion else None,
            is_in_line=champion is not None and _is_in_line(champion),
            item=reorder.one(db, room.objects(), at, product_id),
            reasons=products.reasons(db, room.objects(), at, product_id),
        )


def _is_in_line(version: Version) -> bool:
    """The shop's total is forecast by itself, and products follow it: all but the naive method do so."""
    lineage = version.metrics.get("lineage") or {}
    return bool(lineage.get("total_leader", "naive") != "naive")


def _by() -> Kind | None:
    """The kind of groups that the address asks for."""
    return next((kind for kind in Kind if kind == request.args.get("by")), None)


def _asked(db: Session, at: Standing) -> tuple[str, Chosen | None]:
    """What the address asks for: a part of the title, and a type or collection."""
    q, *keys = (request.args.get(name, "").strip()[:255] for name in ("q", *Kind))
    asked = (groups.chosen(db, at.shop_id, kind, key) for kind, key in zip(Kind, keys, strict=True))
    return q, next((one for one in asked if one is not None), None)


def _found(db: Session, at: Standing, q: str, chosen: Chosen | None) -> list[int]:
    found = products.found(db, room.objects(), at, q)
    return found if chosen is None else [number for number in found if number in chosen.products]


def _trend(row: ProductRow | GroupRow) -> str:
    return "Units per week, oldest first: " + ", ".join(f"{week:.0f}" for week in row.weeks)


def _quantities(row: ProductRow | GroupRow, is_stale: bool) -> list[float | None]:
    spans = [None if is_stale else span for span in (row.next_week, row.next_month)]
    return [
        round(v, 2) if v is not None else None for s in spans for v in ((s.mean, s.low, s.high) if s else (None,) * 3)
    ]


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
