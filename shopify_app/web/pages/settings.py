"""GET /settings and its form: the numbers a shop may change, what we hold, and what each permission is for."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from shopify_app.policy import BOUNDS, Policy
from shopify_app.web.pages import bp, room
from shopify_app.web.pages.reading import holdings, requests

WHOLE = (
    "retrain_orders",
    "fit_every_days",
    "shadow_days",
    "warn_nights",
    "cooling_days",
    "max_rollbacks",
    "list_length",
    "keep_snapshots_days",
    "keep_versions_days",
    "keep_bundles_days",
    "keep_events_days",
    "keep_views_days",
    "lead_days",
    "cover_days",
    "least_units",
    "pack_units",
)
SHARES = {
    "target_percent": "target",
    "shadow_share_percent": "shadow_share",
    "service_percent": "service_level",
}
"""Fields in percent, and the ratio each sets."""
SWITCHES = ("promote_automatically", "publish_lists", "personal_lists")
LIMITS = {name: BOUNDS[name] for name in (*WHOLE, "rollback_deadline_hours")} | {
    field: (100 * BOUNDS[name][0], 100 * BOUNDS[name][1]) for field, name in SHARES.items()
}


@bp.get("/settings")
def settings() -> tuple[str, int]:
    """The form as it stands."""
    with room.database().reading() as db:
        values = _shown(Policy.of(room.shop(db).settings))
    return _form(values, {})


@bp.post("/settings")
def save() -> Response | tuple[str, int]:
    """Keep what was entered, if all of it can be; else show every mistake beside its field, and keep nothing."""
    given, errors = read(request.form)
    if errors:
        return _form({**request.form, **{name: given[name] for name in SWITCHES}}, errors, 422)
    with room.database().transaction() as db:
        shop = room.shop(db)
        defaults = asdict(Policy())
        kept = {**shop.settings, **given}
        shop.settings = {name: value for name, value in kept.items() if value != defaults.get(name)}
    return room.back("/settings", "saved")


def read(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a form asks for, by the policy's names, and what is wrong with it, by the form's."""
    given: dict[str, Any] = {name: form.get(name) == "yes" for name in SWITCHES}
    errors: dict[str, str] = {}
    for field, (low, high) in LIMITS.items():
        try:
            value = within(form.get(field, ""), low, high, whole=field in WHOLE)
        except ValueError as wrong:
            errors[field] = str(wrong)
        else:
            given[SHARES.get(field, field)] = round(value / 100, 4) if field in SHARES else value
    return given, errors


def within(text: str, low: float, high: float, *, whole: bool) -> float:
    """The number that somebody typed. Raises ValueError with words for the field."""
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise ValueError("Enter a whole number." if whole else "Enter a number.") from None
    if not low <= value <= high:
        raise ValueError(f"Enter a number from {low:g} to {high:g}.")
    return value


def _shown(policy: Policy) -> dict[str, Any]:
    shares = {field: f"{100 * getattr(policy, name):g}" for field, name in SHARES.items()}
    plain = {name: getattr(policy, name) for name in (*WHOLE, *SWITCHES)}
    return {**plain, **shares, "rollback_deadline_hours": f"{policy.rollback_deadline_hours:g}"}


def _form(values: Mapping[str, Any], errors: Mapping[str, str], status: int = 200) -> tuple[str, int]:
    with room.database().reading() as db:
        at = room.here(db)
        return room.page(
            "settings",
            at,
            status=status,
            refused="Nothing was saved: some fields need another look." if errors else "",
            values=values,
            errors=errors,
            bounds={name: (f"{low:g}", f"{high:g}") for name, (low, high) in LIMITS.items()},
            held=holdings.holdings(db, at),
            requests=requests.requests(db, at),
            reasons=[(scope, holdings.REASONS.get(scope, "")) for scope in sorted(at.scopes)],
        )
