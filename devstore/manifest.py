"""What the app declares about itself: `shopify.app.toml` and the extensions beside it, as Shopify reads them."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devstore.errors import ConfigError

COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
OWNERS = {"product": "PRODUCT", "variant": "PRODUCTVARIANT", "order": "ORDER", "shop": "SHOP"}


@dataclass(frozen=True)
class DeclaredSubscription:
    """One webhook subscription of the toml: one topic, one address."""

    topic: str
    uri: str
    include_fields: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class DeclaredMetafield:
    """A metafield definition in the app's own namespace."""

    owner_type: str
    key: str
    type: str
    name: str


@dataclass(frozen=True)
class FlowExtension:
    """A Flow trigger or action with the types of its fields, by key."""

    handle: str
    kind: str
    fields: dict[str, str]
    required: frozenset[str] = frozenset()
    runtime_url: str | None = None


@dataclass(frozen=True)
class Manifest:
    """Everything Shopify knows about an app after `shopify app deploy`."""

    name: str = "app"
    scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()
    redirect_urls: tuple[str, ...] = ()
    api_version: str = "2026-10"
    subscriptions: tuple[DeclaredSubscription, ...] = ()
    metafields: tuple[DeclaredMetafield, ...] = ()
    proxy_path: str = "/proxy"
    proxy_prefix: str = "apps"
    proxy_subpath: str = "app"
    flow: dict[str, FlowExtension] = field(default_factory=dict)
    has_pixel: bool = False
    application_url: str = ""


def read(toml: Path | None) -> Manifest:
    """The manifest of the app at `toml`; a bare default when there is none. Raises ConfigError naming the file."""
    if toml is None:
        return Manifest()
    data = _load(toml)
    extensions = [_load(path) for path in sorted(toml.parent.glob("extensions/*/shopify.extension.toml"))]
    proxy = data.get("app_proxy", {})
    scopes = data.get("access_scopes", {})
    return Manifest(
        name=str(data.get("name", "app")),
        scopes=_split(scopes.get("scopes", "")),
        optional_scopes=tuple(scopes.get("optional_scopes", ())),
        redirect_urls=tuple(data.get("auth", {}).get("redirect_urls", ())),
        api_version=str(data.get("webhooks", {}).get("api_version", "2026-10")),
        subscriptions=tuple(_subscriptions(toml, data.get("webhooks", {}))),
        metafields=tuple(_metafields(data)),
        proxy_path=urlsplit(str(proxy.get("url", "/proxy"))).path or "/",
        proxy_prefix=str(proxy.get("prefix", "apps")),
        proxy_subpath=str(proxy.get("subpath", "app")),
        flow={flow.handle: flow for one in extensions for flow in _flow(one)},
        application_url=str(data.get("application_url", "")),
        has_pixel=any(part.get("type") == "web_pixel_extension" for one in extensions for part in _parts(one)),
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no valid TOML: {error}") from error


def _split(scopes: str) -> tuple[str, ...]:
    return tuple(scope.strip() for scope in scopes.split(",") if scope.strip())


def _subscriptions(toml: Path, webhooks: dict[str, Any]) -> list[DeclaredSubscription]:
    found = []
    for entry in webhooks.get("subscriptions", ()):
        uri = str(entry.get("uri", ""))
        if entry.get("filter") or not uri.startswith(("/", "http://", "https://")):
            raise ConfigError(f"{toml}: the dev store delivers unfiltered webhooks over HTTP only, not {entry}")
        topics = [*entry.get("topics", ()), *entry.get("compliance_topics", ())]
        fields = tuple(entry.get("include_fields", ()))
        found += [DeclaredSubscription(str(topic), uri, fields, entry.get("name")) for topic in topics]
    return found


def _metafields(data: dict[str, Any]) -> list[DeclaredMetafield]:
    return [
        DeclaredMetafield(owner_type, key, str(entry["type"]), str(entry.get("name", key)))
        for owner, owner_type in OWNERS.items()
        for key, entry in data.get(owner, {}).get("metafields", {}).get("app", {}).items()
    ]


def _parts(extension: dict[str, Any]) -> list[dict[str, Any]]:
    """The extensions of one file. What stands at its top level, such as `[settings]`, belongs to each of them."""
    shared = {key: value for key, value in extension.items() if key != "extensions"}
    return [{**shared, **part} for part in extension.get("extensions", [{}])]


def _flow(extension: dict[str, Any]) -> list[FlowExtension]:
    return [_flow_part(part) for part in _parts(extension) if str(part.get("type", "")).startswith("flow_")]


def _flow_part(part: dict[str, Any]) -> FlowExtension:
    fields = part.get("settings", {}).get("fields", ())
    return FlowExtension(
        handle=str(part.get("handle", part.get("name", ""))),
        kind=str(part["type"]),
        fields={_field_key(entry): str(entry["type"]) for entry in fields},
        required=frozenset(_field_key(entry) for entry in fields if entry.get("required")),
        runtime_url=part.get("runtime_url"),
    )


def _field_key(entry: dict[str, Any]) -> str:
    """References carry no key of their own: `product_reference` arrives as `product_id`."""
    return str(entry.get("key") or str(entry["type"]).replace("_reference", "_id"))
