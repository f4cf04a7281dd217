"""Flow triggers and web pixels."""

import json
from typing import Any

from devstore.flow import TriggerRefused
from devstore.gid import gid, number
from devstore.graphql.call import Call
from devstore.graphql.tables.values import Table, UserError
from devstore.pixels import Pixel, PixelRefused


def receive_trigger(_: Any, call: Call, handle: str | None = None, payload: Any = None) -> dict[str, Any]:
    """Start the workflows that begin with a trigger of this app."""
    try:
        if not handle or not isinstance(payload, dict):
            raise TriggerRefused("handle and payload are needed")
        call.shop.flow.receive(handle, payload)
    except TriggerRefused as refusal:
        return {"userErrors": [UserError(str(refusal), ["body"])]}
    return {"userErrors": []}


def pixel(_: Any, call: Call, id: str | None = None) -> Pixel | None:
    """The app's pixel on this shop."""
    found = call.shop.pixels.get()
    return found if found and id in (None, gid("WebPixel", found.pixel_id)) else None


def create_pixel(_: Any, call: Call, web_pixel: dict[str, Any]) -> dict[str, Any]:
    """Switch the app's pixel on."""
    try:
        created = call.shop.pixels.create(_text(web_pixel["settings"]))
    except PixelRefused as refusal:
        return _refused(refusal)
    return {"webPixel": created, "userErrors": []}


def update_pixel(_: Any, call: Call, id: str, web_pixel: dict[str, Any]) -> dict[str, Any]:
    """Give the app's pixel other settings."""
    try:
        changed = call.shop.pixels.update(number(id, "WebPixel"), _text(web_pixel["settings"]))
    except PixelRefused as refusal:
        return _refused(refusal)
    return {"webPixel": changed, "userErrors": []}


def _text(settings: Any) -> str:
    return settings if isinstance(settings, str) else json.dumps(settings)


def _refused(refusal: PixelRefused) -> dict[str, Any]:
    return {"webPixel": None, "userErrors": [UserError(str(refusal), ["webPixel"], refusal.code)]}


PIXEL: Table = {
    "id": lambda one, call: gid("WebPixel", one.pixel_id),
    "settings": lambda one, call: one.settings,
}
