"""GET /settings/exports/<id>.json: what is held about a customer who asked, for the merchant to hand on."""

from flask import Response

from shopify_app.records import exports
from shopify_app.web.pages import bp, room


@bp.get("/settings/exports/<int:export_id>.json")
def export(export_id: int) -> Response:
    """The file of one request, while it is kept. Who fetched it is logged."""
    with room.database().reading() as db:
        shop = room.shop(db)
    content = exports.fetch(room.database(), room.objects(), shop.id, export_id, by=room.actor())
    name = f"customer-data-{export_id}.json"
    return Response(
        content, mimetype="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
