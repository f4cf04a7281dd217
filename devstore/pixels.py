"""The app's web pixel on one shop: whether it is switched on, and with which settings."""

import json
from dataclasses import dataclass
from typing import Any

from devstore.state import State


class PixelRefused(Exception):
    """Why the pixel was not switched on or changed; `code` is Shopify's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Pixel:
    """A pixel that is on."""

    pixel_id: int
    settings: str

    @property
    def parsed(self) -> dict[str, Any]:
        """The settings as an object."""
        found: dict[str, Any] = json.loads(self.settings)
        return found


class PixelBook:
    """At most one pixel per app and shop."""

    def __init__(self, state: State, shop: str, has_extension: bool) -> None:
        self._state, self._shop, self._has_extension = state, shop, has_extension

    def get(self) -> Pixel | None:
        """The pixel, None while it is off."""
        row = self._state.row("SELECT id, settings FROM pixels WHERE shop = ?", self._shop)
        return Pixel(row["id"], row["settings"]) if row else None

    def create(self, settings: str) -> Pixel:
        """Switch it on. Raises PixelRefused when it is on already or the app has no pixel extension."""
        if not self._has_extension:
            raise PixelRefused("NO_EXTENSION", "No web pixel extension was found for this app.")
        if self.get():
            raise PixelRefused("TAKEN", "Web pixel is taken.")
        _check(settings)
        self._state.run("INSERT INTO pixels (shop, id, settings) VALUES (?, 1, ?)", self._shop, settings)
        return Pixel(1, settings)

    def update(self, pixel_id: int | None, settings: str) -> Pixel:
        """Change the settings. Raises PixelRefused when it is off."""
        current = self.get()
        if current is None or current.pixel_id != pixel_id:
            raise PixelRefused("NOT_FOUND", "Web pixel not found.")
        _check(settings)
        self._state.run("UPDATE pixels SET settings = ? WHERE shop = ?", settings, self._shop)
        return Pixel(current.pixel_id, settings)

    def clear(self) -> None:
        """Switch it off, as an uninstall does."""
        self._state.run("DELETE FROM pixels WHERE shop = ?", self._shop)


def _check(settings: str) -> None:
    try:
        is_object = isinstance(json.loads(settings), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise PixelRefused("INVALID_SETTINGS", "Settings must be a JSON object.")
