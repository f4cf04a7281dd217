"""Metafields: reading them from their owners, writing them with compare-and-set, defining them."""

import json
from typing import Any

from devstore.gid import gid, parse
from devstore.graphql.call import Call
from devstore.graphql.listing import Listing, listed
from devstore.graphql.tables import lookup
from devstore.graphql.tables.values import Table, UserError, iso
from devstore.metafields import OWNER_TYPES, Definition, Metafield, Refused

WRITE_SCOPES = {"Order": "write_orders", "Product": "write_products", "ProductVariant": "write_products"}
"""What an app must hold to write on an owner; its own installation and the shop need nothing."""


def _metafield(owner: Any, call: Call, key: str, namespace: str | None = None) -> Metafield | None:
    return call.shop.metafields.get(lookup.owner_id(owner, call), namespace, key)


def _metafields(
    owner: Any, call: Call, namespace: str | None = None, keys: list[str] | None = None, reverse: bool = False
) -> Listing:
    return listed(call.shop.metafields.of(lookup.owner_id(owner, call), namespace, keys), reverse)


OWNED: Table = {"metafield": _metafield, "metafields": _metafields}
"""The two fields of everything that may have metafields."""


def set_metafields(_: Any, call: Call, metafields: list[dict[str, Any]]) -> dict[str, Any]:
    """Write up to 25, all or none."""
    errors = [error for index, one in enumerate(metafields) for error in _refusals(index, one, call)]
    if errors:
        return {"metafields": None, "userErrors": errors}
    try:
        written = call.shop.metafields.set(metafields, lookup.References(call))
    except Refused as refused:
        errors = [_user_error(one.code, str(one), one.index, one.field) for one in refused.reasons]
        return {"metafields": None, "userErrors": errors}
    for one in written:
        call.shop.traffic.record("metafield", owner=one.owner, namespace=one.namespace, key=one.key, value=one.value)
    return {"metafields": written, "userErrors": []}


def _refusals(index: int, one: dict[str, Any], call: Call) -> list[UserError]:
    """What is wrong with an input before its value is looked at: the owner, the right, the namespace."""
    try:
        kind, _ = parse(one["ownerId"])
        exists = lookup.find(call, one["ownerId"]) is not None
    except ValueError:
        kind, exists = "", False
    if kind not in OWNER_TYPES or not exists:
        return [_user_error("INVALID", "Owner does not exist.", index, "ownerId")]
    scope = WRITE_SCOPES.get(kind)
    namespace = call.shop.metafields.resolve(one.get("namespace"))
    is_foreign = namespace.startswith("app--") and not namespace.startswith(call.shop.metafields.resolve(None))
    if is_foreign or (scope and not call.may(scope)):
        words = "Access to this namespace and key on Metafields for this resource type is not allowed."
        return [_user_error("APP_NOT_AUTHORIZED", words, index, "namespace")]
    return []


def _user_error(code: str, message: str, index: int | None, field: str | None) -> UserError:
    path = ["metafields"] if index is None else ["metafields", str(index), *([field] if field else [])]
    return UserError(message, path, code, index)


def delete_metafields(_: Any, call: Call, metafields: list[dict[str, str]]) -> dict[str, Any]:
    """Remove metafields; one that is not there answers null in its place."""
    errors = [error for index, one in enumerate(metafields) for error in _refusals(index, one, call)]
    if errors:
        return {"deletedMetafields": None, "userErrors": errors}
    done = [call.shop.metafields.delete(one["ownerId"], one["namespace"], one["key"]) for one in metafields]
    deleted = [one if was_there else None for one, was_there in zip(metafields, done, strict=True)]
    return {"deletedMetafields": deleted, "userErrors": []}


def define(_: Any, call: Call, definition: dict[str, Any]) -> dict[str, Any]:
    """Create a definition."""
    created = call.shop.metafields.define(
        definition["ownerType"], definition.get("namespace"), definition["key"], definition["type"], definition["name"]
    )
    taken = UserError("Key is in use for this owner type.", ["definition", "key"], "TAKEN")
    return {"createdDefinition": created, "userErrors": [] if created else [taken]}


def definitions(
    _: Any, call: Call, owner_type: str, namespace: str | None = None, key: str | None = None, reverse: bool = False
) -> Listing:
    """The definitions for one owner type."""
    found = call.shop.metafields.definitions(owner_type)
    if namespace is not None:
        found = [one for one in found if one.namespace == call.shop.metafields.resolve(namespace)]
    return listed([one for one in found if key is None or one.key == key], reverse)


def _references(one: Metafield, call: Call) -> Listing:
    ids = json.loads(one.value) if one.type.startswith("list.") and one.type.endswith("_reference") else []
    return listed([found for found in (lookup.find(call, text) for text in ids) if found])


def _reference(one: Metafield, call: Call) -> Any:
    is_single = one.type.endswith("_reference") and not one.type.startswith("list.")
    return lookup.find(call, one.value) if is_single else None


def _json_value(one: Metafield) -> Any:
    is_text = one.type.endswith(("text_field", "_reference", "date")) and not one.type.startswith("list.")
    return one.value if is_text else json.loads(one.value)


def _owner_type(one: Metafield) -> str:
    return OWNER_TYPES[parse(one.owner)[0]]


METAFIELD: Table = {
    "id": lambda one, call: gid("Metafield", one.metafield_id),
    "legacyResourceId": lambda one, call: str(one.metafield_id),
    "namespace": lambda one, call: one.namespace,
    "key": lambda one, call: one.key,
    "type": lambda one, call: one.type,
    "value": lambda one, call: one.value,
    "jsonValue": lambda one, call: _json_value(one),
    "sizeInBytes": lambda one, call: len(one.value.encode()),
    "compareDigest": lambda one, call: one.digest,
    "createdAt": lambda one, call: iso(one.created_at),
    "updatedAt": lambda one, call: iso(one.updated_at),
    "owner": lambda one, call: lookup.find(call, one.owner),
    "ownerType": lambda one, call: _owner_type(one),
    "definition": lambda one, call: call.shop.metafields.definition(_owner_type(one), one.namespace, one.key),
    "reference": _reference,
    "references": _references,
}
IDENTIFIER: Table = {name: lambda one, call, name=name: one[name] for name in ("ownerId", "namespace", "key")}
DEFINITION: Table = {
    "id": lambda one, call: gid("MetafieldDefinition", one.definition_id),
    "name": lambda one, call: one.name,
    "namespace": lambda one, call: one.namespace,
    "key": lambda one, call: one.key,
    "description": lambda one, call: None,
    "ownerType": lambda one, call: one.owner_type,
    "type": lambda one, call: one,
    "access": lambda one, call: one,
}
DEFINITION_TYPE: Table = {
    "name": lambda one, call: one.type,
    "category": lambda one, call: _category(one),
}
ACCESS: Table = {
    "admin": lambda one, call: "MERCHANT_READ",
    "storefront": lambda one, call: "PUBLIC_READ",
}


def _category(one: Definition) -> str:
    return "REFERENCE" if one.type.endswith("_reference") else "TEXT" if "text" in one.type else "OTHER"
