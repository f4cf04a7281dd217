"""A shop's secret and what hangs on it: keyed hashes that stand for people's numbers, and a key per person.

The app's ENCRYPTION_KEYS seal the shop's secret; keys derived from the secret wrap the data keys and hash numbers; data
keys seal payloads. So a rotation of ENCRYPTION_KEYS seals one row per shop anew and touches no payload, deleting a data
key erases one person's payloads, and deleting the secret erases the shop's. No key outlives its transaction in memory.
"""

import hashlib
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shopify_app import clock
from shopify_app.batches import batches
from shopify_app.db import insert
from shopify_app.records.seal import NONCE, CannotOpen, Seal
from shopify_app.tables import Customer, DataKey, ShopSecret, Tombstone
from shopify_app.tables.base import LARGEST_ID

SIZE = 32
CHUNK = 500


@dataclass(frozen=True)
class Secret:
    """One shop's secret, opened."""

    shop_id: int
    material: bytes = field(repr=False)

    def mark(self, kind: str, told: int | str) -> int:
        """63 bits that stand for somebody's number or address. Without the secret nobody can tell whose, or try all."""
        return self.mark_of(_unkeyed(self.shop_id, kind, told))

    def mark_of(self, unkeyed: int) -> int:
        """The same from a hash that needed no key: tombstones were such before shops had secrets."""
        keyed = hashlib.blake2b(unkeyed.to_bytes(8, "big"), key=self._marking, digest_size=8)
        return int.from_bytes(keyed.digest(), "big") & LARGEST_ID

    def wrap(self, key: bytes, about: str) -> bytes:
        """A key as it may be stored."""
        return close(self._wrapping, key, f"{about} of shop {self.shop_id}")

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """The key again. Raises CannotOpen."""
        return unclose(self._wrapping, wrapped, f"{about} of shop {self.shop_id}")

    @cached_property
    def payloads(self) -> AESGCM:
        """Seals what belongs to nobody but the shop."""
        return AESGCM(self._derived(b"payloads"))

    @cached_property
    def _marking(self) -> bytes:
        return self._derived(b"marks")

    @cached_property
    def _wrapping(self) -> AESGCM:
        return AESGCM(self._derived(b"data keys"))

    def _derived(self, purpose: bytes) -> bytes:
        return hashlib.blake2b(purpose, key=self.material, digest_size=SIZE).digest()


@dataclass(frozen=True)
class PersonKey:
    """A data key, opened, and what payloads call it."""

    name: str
    material: bytes = field(repr=False)


def of(db: Session, shop_id: int, *, hold: bool = False) -> Secret:
    """The shop's secret, made at first sight. With `hold` nobody is forgotten until this transaction ends.

    Never kept for later: a redacted shop that comes back has another one.
    """
    found = find(db, shop_id, hold=hold)
    if found is None:
        _make(db, shop_id)
        found = find(db, shop_id, hold=hold)
    assert found is not None
    return found


def find(db: Session, shop_id: int, *, hold: bool = False, alone: bool = False) -> Secret | None:
    """The shop's secret, if it has one. With `alone` nobody else holds it until this transaction ends."""
    wanted = select(ShopSecret.sealed).where(ShopSecret.shop_id == shop_id)
    if hold or alone:
        wanted = wanted.with_for_update(read=not alone)
    row = db.connection().execute(wanted).first()
    return Secret(shop_id, seal_of(db).open(row[0], about(shop_id))) if row else None


def check(db: Session) -> None:
    """Raises CannotOpen when the app's keys are not those that the shops' secrets are sealed under."""
    known = db.scalar(select(ShopSecret.shop_id).limit(1))
    if known is not None:
        find(db, known)


def people(db: Session, secret: Secret, marks: Collection[int], gone: Collection[int] = ()) -> dict[int, PersonKey]:
    """The key of each mark, made at first sight, but for those that are `gone`: they get none."""
    found = _known(db, secret, marks)
    missing = sorted(set(marks) - found.keys() - set(gone))
    if missing:
        fresh = {mark: PersonKey(secrets.token_hex(16), os.urandom(SIZE)) for mark in missing}
        rows = [_row(secret, mark, key) for mark, key in fresh.items()]
        db.connection().execute(insert(db, DataKey).on_conflict_do_nothing(), rows)
        found |= _known(db, secret, missing)
    return found


def named(db: Session, secret: Secret, names: Collection[str]) -> dict[str, bytes]:
    """The keys with these names that were not erased."""
    found: dict[str, bytes] = {}
    for few in batches(names, CHUNK):
        some = DataKey.shop_id == secret.shop_id, DataKey.name.in_(few)
        for name, wrapped in db.connection().execute(select(DataKey.name, DataKey.wrapped).where(*some)):
            found[name] = secret.unwrap(wrapped, f"key {name}")
    return found


def names_of(db: Session, shop_id: int, marks: Collection[int]) -> set[str]:
    """What payloads call the keys of these marks."""
    mine = DataKey.shop_id == shop_id, DataKey.mark.in_(list(marks))
    return set(db.scalars(select(DataKey.name).where(*mine)))


def erase(db: Session, shop_id: int, marks: Collection[int]) -> int:
    """Delete these keys: nobody will ever read what they sealed. How many there were."""
    mine = DataKey.shop_id == shop_id, DataKey.mark.in_(list(marks))
    return len(db.scalars(delete(DataKey).where(*mine).returning(DataKey.mark)).all()) if marks else 0


def about(shop_id: int) -> str:
    """What the app's seal binds a shop's secret to."""
    return f"secret of shop {shop_id}"


def seal_of(db: Session) -> Seal:
    """The app's seal, which this session's database was opened with."""
    return _made(db.info["keys"])


def close(cipher: AESGCM, plain: bytes, about: str) -> bytes:
    """Nonce and ciphertext."""
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, plain, about.encode())


def unclose(cipher: AESGCM, sealed: bytes, about: str) -> bytes:
    """The plain bytes. Raises CannotOpen."""
    try:
        return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
    except (InvalidTag, ValueError):
        raise CannotOpen(f"damaged, or not {about}") from None


def _make(db: Session, shop_id: int) -> None:
    """A secret for the shop, and the numbers that were stored before it had one turned into marks, once."""
    secret = Secret(shop_id, os.urandom(SIZE))
    sealed = seal_of(db).close(secret.material, about(shop_id))
    row = insert(db, ShopSecret).values(shop_id=shop_id, sealed=sealed, created_at=clock.now())
    if db.scalar(row.on_conflict_do_nothing().returning(ShopSecret.shop_id)) is None:
        return
    for kind, mark in db.execute(select(Tombstone.kind, Tombstone.mark).where(Tombstone.shop_id == shop_id)).all():
        one = Tombstone.shop_id == shop_id, Tombstone.kind == kind, Tombstone.mark == mark
        db.execute(update(Tombstone).where(*one).values(mark=secret.mark_of(mark)))
    for number in db.scalars(select(Customer.mark).where(Customer.shop_id == shop_id)).all():
        whose = Customer.shop_id == shop_id, Customer.mark == number
        db.execute(update(Customer).where(*whose).values(mark=secret.mark("customer", number)))


def _known(db: Session, secret: Secret, marks: Collection[int]) -> dict[int, PersonKey]:
    found: dict[int, PersonKey] = {}
    for few in batches(marks, CHUNK):
        some = DataKey.shop_id == secret.shop_id, DataKey.mark.in_(few)
        for mark, name, wrapped in db.connection().execute(
            select(DataKey.mark, DataKey.name, DataKey.wrapped).where(*some)
        ):
            found[mark] = PersonKey(name, secret.unwrap(wrapped, f"key {name}"))
    return found


def _row(secret: Secret, mark: int, key: PersonKey) -> dict[str, object]:
    wrapped = secret.wrap(key.material, f"key {key.name}")
    return {"shop_id": secret.shop_id, "mark": mark, "name": key.name, "wrapped": wrapped}


def _unkeyed(shop_id: int, kind: str, told: int | str) -> int:
    digest = hashlib.blake2b(f"{shop_id} {kind} {told}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@lru_cache(maxsize=8)
def _made(keys: tuple[bytes, ...]) -> Seal:
    return Seal(keys)
