"""POST /recommendations/mailing: make the file for a mailing tool. GET /recommendations/mailing.csv: fetch it."""

from flask import Response
from werkzeug.wrappers import Response as AnyResponse

from shopify_app.nudge import nudge
from shopify_app.records import jobs, mailings
from shopify_app.web.pages import bp, room


@bp.post("/recommendations/mailing")
def make() -> AnyResponse:
    """Have the file made, instead of the one before."""
    with room.database().transaction() as db:
        shop = room.shop(db)
        mailings.ask(db, shop.id)
        jobs.ask(db, shop.id, "mailing", "asked for on the page", payload={"state": {}})
    nudge("train")
    return room.back("/recommendations", "mailing")


@bp.get("/recommendations/mailing.csv")
def fetch() -> Response:
    """The file, while it is kept. Who fetched it is logged."""
    with room.database().reading() as db:
        shop = room.shop(db)
    content = mailings.fetch(room.database(), room.objects(), shop.id, by=room.actor())
    return Response(
        content, mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="recommendations.csv"'}
    )
