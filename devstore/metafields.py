"""Metafields of one shop: typed values on products and others, with compare-and-set."""

import hashlib
import sqlite3
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from devstore.metafield_types import check_value
from devstore.state import State

MOST_AT_ONCE = 25
APP_PREFIX = "$app"


@dataclass(frozen=True)
class Metafield:
    """One stored value."""

    metafield_id: int
    owner: str
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime

    @property
    def digest(self) -> str:
        """Changes with the value: what a writer has to name to be sure that nobody was faster."""
        return hashlib.sha256(f"{self.type}\n{self.value}".encode()).hexdigest()


@dataclass(frozen=True)
class Definition:
    """What type a metafield of this owner type, namespace and key has."""

    definition_id: int
    owner_type: str
    namespace: str
    key: str
    type: str
    name: str


class Refusal(Exception):
    """One input of a write is wrong; `code` is Shopify's, `index` tells which one, `field` which part of it."""

    def __init__(self, code: str, message: str, index: int | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.index, self.field = code, index, field


class Refused(Exception):
    """Nothing was written; `reasons` holds one refusal per wrong input."""

    def __init__(self, reasons: list[Refusal]) -> None:
        super().__init__("; ".join(str(reason) for reason in reasons))
        self.reasons = reasons


class MetafieldBook:
    """The metafields of one shop, as one app sees them."""

    def __init__(self, state: State, shop: str, app_id: int) -> None:
        self._state, self._shop, self._app_id = state, shop, app_id

    def resolve(self, namespace: str | None) -> str:
        """The stored namespace: none and `$app` mean the app's own, `$app:x` a part of it."""
        own = f"app--{self._app_id}"
        if namespace is None or namespace == APP_PREFIX:
            return own
        if namespace.startswith(f"{APP_PREFIX}:"):
            return f"{own}--{namespace.removeprefix(f'{APP_PREFIX}:')}"
        return namespace

    def get(self, owner: str, namespace: str | None, key: str) -> Metafield | None:
        """The metafield of an owner (global id), or None."""
        row = self._state.row(
            "SELECT * FROM metafields WHERE shop = ? AND owner = ? AND namespace = ? AND key = ?",
            *(self._shop, owner, self.resolve(namespace), key),
        )
        return _metafield(row) if row else None

    def of(self, owner: str, namespace: str | None = None, keys: Sequence[str] | None = None) -> list[Metafield]:
        """All metafields of an owner, oldest first; `namespace` and `keys` (`namespace.key`) narrow it down."""
        rows = self._state.rows("SELECT * FROM metafields WHERE shop = ? AND owner = ? ORDER BY id", self._shop, owner)
        found = [_metafield(row) for row in rows]
        if namespace is not None:
            found = [one for one in found if one.namespace == self.resolve(namespace)]
        if keys is not None:
            wanted = {self._qualified(key) for key in keys}
            found = [one for one in found if (one.namespace, one.key) in wanted]
        return found

    def set(self, inputs: Sequence[Mapping[str, Any]], products: Container[str]) -> list[Metafield]:
        """Write all or nothing. `products`: global ids that references may name. Raises Refused with every reason."""
        if len(inputs) > MOST_AT_ONCE:
            raise Refused([Refusal("LESS_THAN_OR_EQUAL_TO", f"Exceeded the maximum input limit of {MOST_AT_ONCE}.")])
        written: list[Metafield] = []
        refusals: list[Refusal] = []
        with self._state.transaction():
            for index, one in enumerate(inputs):
                try:
                    written.append(self._set_one(index, one, products))
                except Refusal as refusal:
                    refusals.append(refusal)
            if refusals:
                raise Refused(refusals)
        return written

    def delete(self, owner: str, namespace: str, key: str) -> bool:
        """Remove one. Returns False when there was none."""
        done = self._state.run(
            "DELETE FROM metafields WHERE shop = ? AND owner = ? AND namespace = ? AND key = ?",
            *(self._shop, owner, self.resolve(namespace), key),
        )
        return done.rowcount == 1

    def define(self, owner_type: str, namespace: str | None, key: str, type_: str, name: str) -> Definition | None:
        """Fix the type of a metafield. Returns None when it is defined already."""
        done = self._state.run(
            "INSERT OR IGNORE INTO definitions (shop, owner_type, namespace, key, type, name) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            *(self._shop, owner_type, self.resolve(namespace), key, type_, name),
        )
        return self.definition(owner_type, self.resolve(namespace), key) if done.rowcount else None

    def definition(self, owner_type: str, namespace: str, key: str) -> Definition | None:
        """The definition of a metafield, if it has one."""
        found = [one for one in self.definitions(owner_type) if (one.namespace, one.key) == (namespace, key)]
        return found[0] if found else None

    def definitions(self, owner_type: str) -> list[Definition]:
        """All definitions for an owner type."""
        rows = self._state.rows(
            "SELECT * FROM definitions WHERE shop = ? AND owner_type = ? ORDER BY id", self._shop, owner_type
        )
        columns = ("id", "owner_type", "namespace", "key", "type", "name")
        return [Definition(*(row[column] for column in columns)) for row in rows]

    def _qualified(self, key: str) -> tuple[str, str]:
        namespace, _, last = key.rpartition(".")
        return self.resolve(namespace or None), last

    def _set_one(self, index: int, one: Mapping[str, Any], products: Container[str]) -> Metafield:
        owner, key, value = str(one["ownerId"]), str(one["key"]), str(one["value"])
        existing = self.get(owner, one.get("namespace"), key)
        self._check_digest(index, one, existing)
        type_ = self._type(index, one, existing)
        try:
            check_value(type_, value, products)
        except ValueError as error:
            raise Refusal("INVALID_VALUE", str(error), index, "value") from error
        now = datetime.now(UTC).isoformat()
        self._state.run(
            "INSERT INTO metafields (shop, owner, namespace, key, type, value, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (shop, owner, namespace, key) "
            "DO UPDATE SET type = excluded.type, value = excluded.value, updated_at = excluded.updated_at",
            *(self._shop, owner, self.resolve(one.get("namespace")), key, type_, value, now, now),
        )
        stored = self.get(owner, one.get("namespace"), key)
        assert stored is not None
        return stored

    def _check_digest(self, index: int, one: Mapping[str, Any], existing: Metafield | None) -> None:
        """An explicit null means: only if there is none yet. Not given means: whatever is there."""
        if "compareDigest" not in one:
            return
        if one["compareDigest"] != (existing.digest if existing else None):
            raise Refusal("STALE_OBJECT", "The resource has been updated since it was loaded.", index, "compareDigest")

    def _type(self, index: int, one: Mapping[str, Any], existing: Metafield | None) -> str:
        owner_type = OWNER_TYPES[str(one["ownerId"]).split("/")[3]]
        defined = self.definition(owner_type, self.resolve(one.get("namespace")), str(one["key"]))
        known = defined.type if defined else existing.type if existing else None
        given = one.get("type")
        if given is None and known is None:
            raise Refusal("BLANK", "Type can't be blank", index, "type")
        if defined and given and given != defined.type:
            raise Refusal("INVALID_TYPE", f"Type must be consistent with the definition's type: {known}", index, "type")
        return str(given or known)


OWNER_TYPES = {
    "AppInstallation": "API_PERMISSION",
    "Order": "ORDER",
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCTVARIANT",
    "Shop": "SHOP",
}
"""Kind in a global id -> name in the API."""


def _metafield(row: sqlite3.Row) -> Metafield:
    return Metafield(
        metafield_id=row["id"],
        owner=row["owner"],
        namespace=row["namespace"],
        key=row["key"],
        type=row["type"],
        value=row["value"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
