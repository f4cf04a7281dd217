"""Shops as they come, change and go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.config import Settings
from shopify_app.db import Database, insert
from shopify_app.errors import NotFound
from shopify_app.records.turns import happened
from shopify_app.tables import Shop, ShopState, Token


@dataclass(frozen=True)
class ShopFacts:
    """What Shopify says about a shop."""

    name: str
    currency: str
    time_zone: str
    country: str


@dataclass(frozen=True)
class FactsUpdate:
    """What an update changed: per name, the old and the new value."""

    changed: dict[str, list[str]]
    retry_at: datetime | None = None
    """When to ask again, because a new time zone cannot take effect yet."""


def install(db: Session, domain: str, facts: ShopFacts, scopes: str, now: datetime) -> Shop:
    """The shop as installed: new, back after an uninstall, or only opened again after its token was lost."""
    known = {
        "state": ShopState.INSTALLED,
        **_kept(facts),
        "scopes": scopes[:2000],
        "uninstalled_at": None,
    }
    row = insert(db, Shop).values(domain=domain, installed_at=now, settings={}, **known)
    db.execute(row.on_conflict_do_nothing())
    shop = _locked(db, domain)
    if shop.state == ShopState.UNINSTALLED:
        shop.installed_at = now
    for name, value in known.items():
        setattr(shop, name, value)
    db.flush()
    return shop


def update_facts(db: Session, shop: Shop, facts: ShopFacts, moment: datetime) -> FactsUpdate:
    """Store what differs from Shopify's current facts about the shop. A second call changes nothing.

    A new time zone takes effect only when its date is the day that is open in the old zone, or the next one: a closed
    day must not reopen, and no day may be skipped. Rows keep the days they have.
    """
    retry_at = _zone_changes_at(shop.time_zone, facts.time_zone, moment)
    wanted = {name: value for name, value in _kept(facts).items() if retry_at is None or name != "time_zone"}
    changed = {name: [getattr(shop, name), value] for name, value in wanted.items() if getattr(shop, name) != value}
    for name in changed:
        setattr(shop, name, wanted[name])
    db.flush()
    return FactsUpdate(changed, retry_at)


def expect(db: Session, domain: str, now: datetime) -> int:
    """The id of a shop that is about to be installed: its row, made when there is none, still without a token."""
    waiting = {"state": ShopState.NEEDS_REOPENING, "installed_at": now, "settings": {}}
    db.execute(insert(db, Shop).values(domain=domain, **waiting).on_conflict_do_nothing())
    return db.scalars(select(Shop.id).where(Shop.domain == domain)).one()


def by_domain(db: Session, domain: str) -> Shop | None:
    """The shop of that domain, in whatever state, as the database has it now."""
    return db.scalar(select(Shop).where(Shop.domain == domain).execution_options(populate_existing=True))


def named(db: Session, domain: str) -> Shop:
    """The same for somebody who expects it to be there. Raises NotFound."""
    found = by_domain(db, domain)
    if found is None:
        raise NotFound(f"no shop {domain} has installed the app")
    return found


def at(database: Database, domain: str) -> Shop:
    """The same, as it is in a database at this moment."""
    with database.reading() as db:
        return named(db, domain)


def get(db: Session, shop_id: int) -> Shop:
    """The shop. Raises NotFound."""
    shop = db.get(Shop, shop_id, populate_existing=True)
    if shop is None:
        raise NotFound(f"there is no shop {shop_id}")
    return shop


def installed(db: Session) -> Sequence[Shop]:
    """All shops that have the app, in order."""
    return db.scalars(select(Shop).where(Shop.state == ShopState.INSTALLED).order_by(Shop.id)).all()


def uninstall(db: Session, shop: Shop, triggered_at: datetime) -> bool:
    """The app was removed: its token is dead and its work rests; the data stays until `shop/redact`.

    False for a late message about an uninstall before the latest install: nothing changes then. A token that was got
    since then says so too, because Shopify gives none to a shop without the app.
    """
    gone = {"state": ShopState.UNINSTALLED, "uninstalled_at": triggered_at}
    later = Token.shop_id == shop.id, Token.access_token != b"", Token.updated_at > triggered_at
    current = Shop.id == shop.id, Shop.installed_at <= triggered_at, Shop.state != ShopState.UNINSTALLED
    if not happened(db, update(Shop).where(*current, ~exists().where(*later)).values(**gone)):
        return False
    db.execute(delete(Token).where(Token.shop_id == shop.id))
    db.refresh(shop)
    return True


def needs_reopening(db: Session, shop_id: int) -> None:
    """The token is lost: work rests until the merchant opens the app."""
    lost = Shop.id == shop_id, Shop.state == ShopState.INSTALLED
    happened(db, update(Shop).where(*lost).values(state=ShopState.NEEDS_REOPENING))


def today(shop: Shop, settings: Settings) -> date:
    """The shop's open business day: real time, or that of its own events when a history is replayed."""
    if settings.business_clock == "data" and shop.business_on is not None:
        return shop.business_on
    return clock.day_in(clock.now(), shop.time_zone)


def _kept(facts: ShopFacts) -> dict[str, str]:
    """The facts, cut to what their columns hold."""
    return {
        "name": facts.name[:255],
        "currency": facts.currency[:3],
        "time_zone": facts.time_zone[:64],
        "country": facts.country[:2],
    }


def _zone_changes_at(old: str, new: str, moment: datetime) -> datetime | None:
    """When a new zone may take effect: None for now, else the next midnight of the zone that is behind."""
    days = {name: clock.day_in(moment, name) for name in (old, new)}
    if 0 <= (days[new] - days[old]).days <= 1:
        return None
    behind = min(days, key=lambda name: days[name])
    midnight = datetime.combine(days[behind] + timedelta(days=1), time(), clock.zone(behind))
    return midnight.astimezone(UTC)


def _locked(db: Session, domain: str) -> Shop:
    found = select(Shop).where(Shop.domain == domain).with_for_update()
    return db.scalars(found.execution_options(populate_existing=True)).one()
