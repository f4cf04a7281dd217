"""The bytes of a segment: facts of all its events, sealed for the shop, then each payload, sealed for its person.

    magic 4 · length of the facts 4 · facts · payload · payload …

The facts are one compressed JSON document {shop, entries}; an entry says where its payload lies and which key opens it.
Erasing a person's key leaves the facts, which tell nobody, and so everything that rows are made of.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shopify_app import clock
from shopify_app.errors import DamagedBundle
from shopify_app.records import keys
from shopify_app.records.keys import PersonKey, Secret

MAGIC = b"FTS1"
HEAD = 8
SHOPS_OWN = ""
"""In place of a key's name: sealed for the shop itself."""


@dataclass(frozen=True)
class EventFacts:
    """One event: its facts, and the pseudonym of the customer they are about."""

    seq: int
    topic: str
    at: datetime
    told_at: datetime | None
    facts: Any = field(repr=False)
    customer: str | None = None


@dataclass(frozen=True)
class NewEntry(EventFacts):
    """One event on its way into a segment. Without `packed`, its payload is not kept."""

    packed: bytes | None = field(default=None, repr=False)
    person: PersonKey | None = None


@dataclass(frozen=True)
class Entry(EventFacts):
    """One event of a segment, with the place and key of its payload."""

    key: str | None = None
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class Opened:
    """A segment whose facts can be read."""

    shop: dict[str, Any]
    entries: tuple[Entry, ...]
    content: bytes = field(repr=False)

    def payload(self, entry: Entry, secret: Secret, names: dict[str, bytes]) -> bytes | None:
        """The payload as Shopify sent it; None when it was never kept or its key is erased."""
        if entry.place is None or (entry.key != SHOPS_OWN and entry.key not in names):
            return None
        cipher = secret.payloads if entry.key == SHOPS_OWN else AESGCM(names[entry.key or ""])
        first, size = entry.place
        sealed = self.content[first : first + size]
        return zlib.decompress(keys.unclose(cipher, sealed, _about(secret.shop_id, entry.seq)))


def build(secret: Secret, shop: dict[str, Any], kept: Sequence[NewEntry]) -> bytes:
    """The segment's bytes. Never the same twice: each sealing takes a new nonce."""
    entries, payloads, end = [], [], 0
    for one in kept:
        entry: dict[str, Any] = {"seq": one.seq, "topic": one.topic, "at": one.at, "facts": one.facts}
        entry |= {"told_at": one.told_at} if one.told_at else {}
        entry |= {"customer": one.customer} if one.customer else {}
        if one.packed is not None:
            cipher = AESGCM(one.person.material) if one.person else secret.payloads
            payloads.append(keys.close(cipher, one.packed, _about(secret.shop_id, one.seq)))
            entry |= {"key": one.person.name if one.person else SHOPS_OWN, "place": [end, len(payloads[-1])]}
            end += len(payloads[-1])
        entries.append(entry)
    told = zlib.compress(orjson.dumps({"shop": shop, "entries": entries}), 1)
    facts = keys.close(secret.payloads, told, _about(secret.shop_id))
    return b"".join((MAGIC, len(facts).to_bytes(4, "big"), facts, *payloads))


def read(content: bytes, secret: Secret) -> Opened:
    """The segment again. Raises DamagedBundle when these bytes are none, CannotOpen when they are not this shop's."""
    size = int.from_bytes(content[4:HEAD], "big")
    if content[:4] != MAGIC or len(content) < HEAD + size:
        raise DamagedBundle("these bytes are no segment")
    facts = zlib.decompress(keys.unclose(secret.payloads, content[HEAD : HEAD + size], _about(secret.shop_id)))
    told = orjson.loads(facts)
    return Opened(told["shop"], tuple(_entries(told["entries"], HEAD + size)), content)


def _entries(told: Sequence[dict[str, Any]], start: int) -> Iterator[Entry]:
    for one in told:
        told_at, place = one.get("told_at"), one.get("place")
        yield Entry(
            seq=one["seq"],
            topic=one["topic"],
            at=clock.parse(one["at"]),
            told_at=clock.parse(told_at) if told_at else None,
            facts=one["facts"],
            customer=one.get("customer"),
            key=one.get("key"),
            place=(start + place[0], place[1]) if place else None,
        )


def _about(shop_id: int, seq: int | None = None) -> str:
    return f"segment of shop {shop_id}" if seq is None else f"payload {seq} of shop {shop_id}"
