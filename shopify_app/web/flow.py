"""POST /flow/…: what a merchant's workflow asks of us. The same run asks once, however often Flow repeats itself."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopify_app import clock, metrics
from shopify_app.db import insert
from shopify_app.errors import Conflict, Refused
from shopify_app.lifecycle import registry
from shopify_app.log import log
from shopify_app.nudge import nudge
from shopify_app.platform import verify
from shopify_app.platform.callers import FlowAction
from shopify_app.records import jobs, shops
from shopify_app.tables import FlowRun, Shop, ShopState, Task
from shopify_app.web.body import whole_body
from shopify_app.web.state import state

bp = Blueprint("flow", __name__, url_prefix="/flow")

ACTOR = "Shopify Flow"
Act = Callable[[Session, Shop, FlowAction], dict[str, Any]]


@bp.post("/roll-back-model")
def roll_back_model() -> Response:
    """Put the version before this one back in charge."""
    return _answer("roll-back-model", _roll_back)


@bp.post("/retrain-model")
def retrain_model() -> Response:
    """Train new versions now."""
    return _answer("retrain-model", _retrain)


@bp.post("/pause-publishing")
def pause_publishing() -> Response:
    """Leave the published lists as they are."""
    return _answer("pause-publishing", _pause)


def _answer(handle: str, act: Act) -> Response:
    """200 with what was done; 4xx when trying again would not help, which ends the merchant's workflow run."""
    try:
        action = verify.flow_action(dict(request.headers), whole_body(request.stream.read), state().settings.secrets)
        metrics.opened("flow", action.secret_used)
        reply = _once(action, handle, act)
    except Refused as refused:
        metrics.flow_actions.labels(handle, "refused").inc()
        return _told({"error": refused.code, "message": refused.detail or refused.code}, refused.status)
    metrics.flow_actions.labels(handle, "done" if "error" not in reply else "conflict").inc()
    state().serving.forget(action.shop)
    for name in ("work", "train"):
        nudge(name)
    return _told(reply, 200 if "error" not in reply else 409)


def _once(action: FlowAction, handle: str, act: Act) -> dict[str, Any]:
    """Act and keep the answer, in one transaction, under the run's id. A repeated run gets the kept answer."""
    try:
        return _act_and_keep(action, handle, act)
    except Conflict:
        pass  # somebody else changed the slot at this moment: look again
    try:
        return _act_and_keep(action, handle, act)
    except Conflict as impossible:
        told = {"error": "conflict", "message": str(impossible)}
    return _act_and_keep(action, handle, lambda db, shop, run: told)


def _act_and_keep(action: FlowAction, handle: str, act: Act) -> dict[str, Any]:
    with state().database.transaction() as db:
        shop = shops.by_domain(db, action.shop)
        if shop is None or shop.state == ShopState.UNINSTALLED:
            raise Refused("unknown_shop", status=404)
        if not _begin(db, shop, action, handle):
            return _kept(db, shop, action)
        reply = act(db, shop, action)
        run = db.scalars(_run(shop, action)).one()
        run.reply = reply
    log.info("a workflow acted", shop=shop.domain, handle=handle, run=action.action_run_id, reply=reply)
    return reply


def _begin(db: Session, shop: Shop, action: FlowAction, handle: str) -> bool:
    """Take the run's id. A second request for it waits here for the first one's commit, and then finds its answer."""
    row = insert(db, FlowRun).values(
        shop_id=shop.id,
        action_run_id=action.action_run_id[:200],
        handle=handle,
        properties=dict(action.properties),
        reply={},
        received_at=clock.now(),
    )
    return db.scalar(row.on_conflict_do_nothing().returning(FlowRun.id)) is not None


def _kept(db: Session, shop: Shop, action: FlowAction) -> dict[str, Any]:
    return dict(db.scalars(_run(shop, action)).one().reply)


def _run(shop: Shop, action: FlowAction) -> Any:
    return select(FlowRun).where(FlowRun.shop_id == shop.id, FlowRun.action_run_id == action.action_run_id[:200])


def _roll_back(db: Session, shop: Shop, action: FlowAction) -> dict[str, Any]:
    task, expected = _task(action), _expected_version(action)
    reason = f"workflow run {action.action_run_id}"
    return registry.roll_back(db, shop, task, actor=ACTOR, reason=reason, expected_number=expected)


def _retrain(db: Session, shop: Shop, action: FlowAction) -> dict[str, Any]:
    reason = str(action.properties.get("reason") or "")[:150]
    cause = f"asked for by a workflow: {reason}" if reason else "asked for by a workflow"
    return {"job": jobs.ask(db, shop.id, "retrain", cause)}


def _pause(db: Session, shop: Shop, action: FlowAction) -> dict[str, Any]:
    was_on = bool(shop.settings.get("publish_lists", True))
    shop.settings = {**shop.settings, "publish_lists": False}
    return {"changed": was_on}


def _task(action: FlowAction) -> str:
    given = action.properties.get("task")
    if given not in list(Task):
        raise Refused("invalid_task", "task has to be forecast or recommend", status=400)
    return str(given)


def _expected_version(action: FlowAction) -> int | None:
    """The version number; Flow passes on numbers of triggers as decimals, and workflows may pass them as text."""
    given = action.properties.get("expected_version")
    if given is None or given == "":
        return None
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if isinstance(given, bool) or number != number // 1 or not 0 < number < 1e9:
        raise Refused("invalid_expected_version", "expected_version has to be a whole number", status=400)
    return int(number)


def _told(content: dict[str, Any], status: int) -> Response:
    reply = jsonify(content)
    reply.status_code = status
    return reply
