"""The one statement that stores deliveries, on a connection of the database's own driver: Shopify waits for it.

SQLAlchemy would take longer to hand it over than SQLite takes to run it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, Protocol

from shopify_app.tables import EventState

QUARANTINED = "quarantined: this body came before under another shop or topic"


class Outcome(StrEnum):
    """What became of a verified delivery."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    QUARANTINED = "quarantined"


class Delivery(Protocol):
    """What the door has verified: see `platform.callers.Webhook`."""

    @property
    def shop(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def webhook_id(self) -> str | None: ...
    @property
    def event_id(self) -> str | None: ...
    @property
    def api_version(self) -> str | None: ...
    @property
    def triggered_at(self) -> datetime | None: ...
    @property
    def body(self) -> bytes: ...
    @property
    def signature(self) -> bytes: ...
    @property
    def secret_used(self) -> int: ...


class InboxRow(NamedTuple):
    """A delivery as the columns of `inbox`. Times are texts, see `utc`."""

    shop: str
    topic: str
    delivery_key: str
    event_id: str | None
    api_version: str | None
    triggered_at: str | None
    received_at: str
    signature: bytes
    secret_used: str
    body: bytes
    alike: str
    """Topics under which the same body means the same, each between commas. It is not stored."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Two deliveries with the same key are one delivery, repeated."""
        return self.shop, self.topic, self.delivery_key


COLUMNS = InboxRow._fields[:-1]
FUNCTIONS = {"sqlite": "instr", "postgresql": "strpos"}
MOMENT = "(%s::timestamp AT TIME ZONE 'UTC')"
MARKS = {"triggered_at": MOMENT, "received_at": MOMENT, "signature": "%b::bytea", "body": "%b::bytea"}
"""PostgreSQL does not guess the types of a list of values."""

INSERT_NEW = f"""
    INSERT INTO inbox ({", ".join(COLUMNS)}, state, attempts)
    VALUES ({", ".join("?" * len(COLUMNS))}, '{EventState.PENDING}', 0)"""


def utc(moment: datetime) -> str:
    """A time as SQLAlchemy writes it into SQLite: in UTC, without saying so."""
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[: len("2026-01-01 00:00:00.000000")]


def store(raw: Any, dialect: str, deliveries: Sequence[InboxRow]) -> list[Outcome]:
    """Store the deliveries that are new, in one statement; the outcome of each.

    Only the body is signed. A body that came before under another shop or another kind of topic is therefore stored
    parked: somebody may be replaying a captured one. A replay that was parked does not taint the real ones after it.
    """
    if _is_any_alike(deliveries):  # a statement does not see its own rows
        return [outcome for one in deliveries for outcome in store(raw, dialect, [one])]
    # In the same order everywhere, or two statements with the same deliveries could wait for each other for ever.
    in_order = sorted(deliveries, key=lambda one: one.key)
    values = list(chain.from_iterable(in_order))
    found = raw.execute(_statement(dialect, len(deliveries)), values).fetchall()
    states = {(shop, topic, key): state for shop, topic, key, state in found}
    return [_outcome(states.get(one.key)) for one in deliveries]


def store_new(raw: Any, deliveries: Sequence[InboxRow]) -> list[Outcome] | None:
    """`store` in two thirds of the time, on SQLite, when none of these bodies came before. Else None.

    Raises IntegrityError when one of them has the key of a stored delivery.
    """
    marks = ", ".join("?" * len(deliveries))
    seen = f"SELECT 1 FROM inbox WHERE signature IN ({marks}) LIMIT 1"
    if _is_any_alike(deliveries) or raw.execute(seen, [one.signature for one in deliveries]).fetchone():
        return None
    raw.executemany(INSERT_NEW, [one[:-1] for one in deliveries])
    return [Outcome.ACCEPTED] * len(deliveries)


def _is_any_alike(deliveries: Sequence[InboxRow]) -> bool:
    signatures, keys = {one.signature for one in deliveries}, {one.key for one in deliveries}
    return min(len(signatures), len(keys)) < len(deliveries)


def _outcome(state: str | None) -> Outcome:
    if state is None:
        return Outcome.REPEATED
    return Outcome.QUARANTINED if state == EventState.PARKED else Outcome.ACCEPTED


@cache
def _statement(dialect: str, rows: int) -> str:
    """The statement for so many deliveries, with the driver's marks for their values."""
    marks = ["?" if dialect == "sqlite" else MARKS.get(name, "%s") for name in InboxRow._fields]
    names = ", ".join(COLUMNS)
    return f"""
        WITH given ({names}, alike) AS (VALUES {", ".join([f"({', '.join(marks)})"] * rows)}),
        looked AS MATERIALIZED (SELECT given.*, EXISTS (
            SELECT 1 FROM inbox AS seen WHERE seen.signature = given.signature
            AND (seen.shop <> given.shop OR {FUNCTIONS[dialect]}(given.alike, ',' || seen.topic || ',') = 0)
            AND (seen.error IS NULL OR seen.error <> '{QUARANTINED}')
        ) AS strange FROM given)
        INSERT INTO inbox ({names}, state, attempts, error)
        SELECT {names}, CASE WHEN strange THEN '{EventState.PARKED}' ELSE '{EventState.PENDING}' END, 0,
            CASE WHEN strange THEN '{QUARANTINED}' END FROM looked WHERE true
        ON CONFLICT DO NOTHING RETURNING shop, topic, delivery_key, state"""
