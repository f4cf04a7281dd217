"""GET /forecasts and /forecasts/<product>: what will sell, and how earlier forecasts fared."""

from flask import Response, request

from shopify_app.errors import NotFound
from shopify_app.tables import Task
from shopify_app.web import charts
from shopify_app.web.pages import bp, room, sheets
from shopify_app.web.pages.overview import sales_chart, windows
from shopify_app.web.pages.reading import accuracy, history, products, reorder, standing, versions
from shopify_app.web.pages.reading.products import ProductRow

PER_PAGE = 25


@bp.get("/forecasts")
def listed() -> tuple[str, int]:
    """The whole shop, then every product."""
    with room.database().reading() as db:
        at = room.here(db)
        if not at.is_ready:
            return room.page("forecasts", at, steps=standing.steps(db, at), rows=[])
        days, ahead = history.shop_days(db, at), windows(db, at)
        q = request.args.get("q", "").strip()[:100]
        found = products.found(db, room.objects(), at, q)
        pages = max(-(-len(found) // PER_PAGE), 1)
        page = min(max(request.args.get("page", 1, type=int), 1), pages)
        rows = products.rows(db, room.objects(), at, found[(page - 1) * PER_PAGE : page * PER_PAGE])
        return room.page(
            "forecasts",
            at,
            **sales_chart(db, at, days),
            week=ahead.get(7),
            month=ahead.get(28),
            total=accuracy.fared(db, at, "store_week"),
            fared=accuracy.fared(db, at, "product_week"),
            rows=rows,
            sparks={row.product_id: charts.sparkline(row.weeks, _trend(row)) for row in rows},
            found=len(found),
            page=page,
            pages=pages,
            q=q,
        )


@bp.get("/forecasts.csv")
def exported() -> Response:
    """Every row of the table, for a spreadsheet."""
    with room.database().reading() as db:
        at = room.here(db)
        rows = products.rows(db, room.objects(), at, products.found(db, room.objects(), at))
    spans = [f"next_{days}_days_{name}" for days in (7, 28) for name in ("expected", "p10", "p90")]
    return sheets.sheet(
        ["product_id", "title", "sold_28_days", *spans, "in_stock", "past_accuracy"],
        [
            [row.product_id, row.title, row.sold, *_quantities(row, at.is_stale), row.in_stock, _share(row.accuracy)]
            for row in rows
        ],
    )


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
            total_because=(champion.metrics.get("lineage") or {}).get("total_because") if champion else None,
            item=reorder.one(db, room.objects(), at, product_id),
            reasons=products.reasons(db, room.objects(), at, product_id),
        )


def _trend(row: ProductRow) -> str:
    return "Units per week, oldest first: " + ", ".join(f"{week:.0f}" for week in row.weeks)


def _quantities(row: ProductRow, is_stale: bool) -> list[float | None]:
    spans = [None if is_stale else span for span in (row.next_week, row.next_month)]
    return [
        round(v, 2) if v is not None else None for s in spans for v in ((s.mean, s.low, s.high) if s else (None,) * 3)
    ]


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
