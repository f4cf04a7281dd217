"""The control door, for developers and tests on the same machine: `/_dev/{handle}/…`, JSON in and out."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from devstore.errors import BadRequest
from devstore.traffic import KINDS

if TYPE_CHECKING:
    from devstore.courier import Batch
    from devstore.server import DevStore

LOCAL = ("127.0.0.1", "::1", "localhost")
MOST_DAYS = 3660
PATIENCE = 60.0
"""Seconds to wait for a few deliveries."""


def blueprint(store: "DevStore") -> Blueprint:
    """Everything a merchant, the weather or a test may do to a shop."""
    bp = Blueprint("control", __name__, url_prefix="/_dev")

    @bp.before_request
    def only_local() -> tuple[str, int] | None:
        origin = request.headers.get("Origin")
        is_own = origin is None or origin + "/" == request.host_url
        # Another site that is open in a browser on this machine must not knock either.
        is_local = request.remote_addr in LOCAL and is_own
        return None if is_local else ("The control door opens to this machine only.", 403)

    @bp.get("/<handle>/state")
    def state(handle: str) -> Response:
        return jsonify(describe(store, handle))

    @bp.post("/<handle>/install")
    def install(handle: str) -> Response:
        return jsonify(store.shop(handle).install(_body().get("scopes")))

    @bp.post("/<handle>/uninstall")
    def uninstall(handle: str) -> Response:
        return _told(store.shop(handle).uninstall())

    @bp.post("/<handle>/scopes")
    def scopes(handle: str) -> Response:
        body = _body()
        return _told(store.shop(handle).change_scopes(_words(body, "grant"), _words(body, "revoke")))

    @bp.post("/<handle>/tokens")
    def tokens(handle: str) -> Response:
        book, body = store.shop(handle).tokens, _body()
        if body.get("expire"):
            book.expire_access()
        if body.get("revoke"):
            book.revoke_all()
        return jsonify(expired=bool(body.get("expire")), revoked=bool(body.get("revoke")))

    @bp.post("/<handle>/facts")
    def facts(handle: str) -> Response:
        try:
            return jsonify(asdict(store.shop(handle).change_facts(_body())))
        except ValueError as error:
            raise BadRequest(str(error)) from error

    @bp.post("/<handle>/clock")
    def clock(handle: str) -> Response:
        return jsonify(move_clock(store, handle, _body()))

    @bp.post("/<handle>/faults")
    def faults(handle: str) -> Response:
        return jsonify(store.shop(handle).faults.change(_body()))

    @bp.post("/<handle>/compliance")
    def compliance(handle: str) -> Response:
        body = _body()
        try:
            told = store.shop(handle).send_compliance(
                str(body.get("topic")), body.get("customer_id"), list(body.get("order_ids", ()))
            )
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return _told(told)

    @bp.get("/<handle>/log")
    def log(handle: str) -> Response:
        kind, limit = request.args.get("kind"), request.args.get("limit", 2000, type=int)
        if kind is not None and kind not in KINDS:
            raise BadRequest(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
        return jsonify(store.shop(handle).traffic.read(kind, limit))

    @bp.get("/<handle>/id-token")
    def id_token(handle: str) -> Response:
        return jsonify(id_token=store.shop(handle).mint_id_token())

    return bp


def describe(store: "DevStore", handle: str) -> dict[str, Any]:
    """How a shop stands."""
    shop, seller = store.shop(handle), store.sellers[handle]
    return {
        "shop": shop.domain,
        "shop_id": shop.shop_id,
        "installed": shop.is_installed,
        "scopes": list(shop.scopes),
        "business_now": shop.clock.now.isoformat(),
        "business_on": shop.clock.today.isoformat(),
        "next_day": shop.clock.day.isoformat(),
        "history_until": shop.sales.history_until.isoformat(),
        "last_day": shop.sales.last_day.isoformat() if shop.sales.last_day else None,
        "speed": seller.speed,
        "products": len(shop.products.all()),
        "subscriptions": [
            {"topic": one.topic, "uri": one.uri, "source": one.source} for one in shop.subscriptions.all()
        ],
        "deliveries_outstanding": store.courier.outstanding,
        "faults": vars(shop.faults.plan),
        "traffic": dict(shop.traffic.counts),
    }


def move_clock(store: "DevStore", handle: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change the speed, pause, or sell whole days. Raises BadRequest."""
    store.shop(handle)
    seller = store.sellers[handle]
    match body:
        case {"step_days": int() as days} if 0 < days <= MOST_DAYS:
            return seller.step(days).as_json()
        case {"speed": int() | float() as speed} if speed >= 0:
            seller.run(float(speed))
        case {"pause": True}:
            seller.run(0.0)
        case _:
            raise BadRequest('say {"speed": days per second}, {"pause": true} or {"step_days": n}')
    return {"speed": seller.speed}


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.data else {}
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _words(body: dict[str, Any], name: str) -> list[str]:
    words = body.get(name, [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise BadRequest(f"{name!r} must be a list of texts")
    return words


def _told(batch: "Batch") -> Response:
    """Wait until the app has heard of it."""
    in_time = batch.wait(PATIENCE)
    return jsonify(delivered=len(batch.delivered), failed=len(batch.failed), waiting=not in_time)
