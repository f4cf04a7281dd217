"""A theme app extension on disk: its blocks, their settings, its translations and assets."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liquid import BoundTemplate, DictLoader, Environment, Mode, StrictUndefined, Undefined

from devstore.storefront import liquid_filters
from devstore.storefront.addresses import Addresses
from devstore.storefront.drops import NIL, Drop

SCHEMA = re.compile(r"{%-?\s*schema\s*-?%}(.*?){%-?\s*endschema\s*-?%}", re.DOTALL)

TEXTS = ("text", "textarea", "richtext", "inline_richtext", "html")
"""Settings that are empty text until a merchant writes something."""


@dataclass(frozen=True)
class Block:
    """One app block: its Liquid and what its schema says."""

    name: str
    source: str
    schema: dict[str, Any]

    @property
    def stylesheet(self) -> str | None:
        """The asset that the page's head has to link."""
        return self.schema.get("stylesheet")

    @property
    def target(self) -> str:
        """section for a block, head or body for an embed."""
        return str(self.schema.get("target", "section"))

    def fits(self, template: str) -> bool:
        """Whether merchants may place it on this kind of page."""
        on, off = self.schema.get("enabled_on", {}), self.schema.get("disabled_on", {})
        return template in on.get("templates", [template]) and template not in off.get("templates", ())

    def defaults(self, product: Drop | Undefined) -> dict[str, Any]:
        """Settings as a merchant finds them after placing the block on a product page."""
        return {setting["id"]: self._default(setting, product) for setting in self.schema.get("settings", ())}

    @staticmethod
    def _default(setting: dict[str, Any], product: Drop | Undefined) -> Any:
        if setting["type"] == "product" and setting.get("autofill"):
            return product
        return setting.get("default", "" if setting["type"] in TEXTS else NIL)


@dataclass(frozen=True)
class ThemeExtension:
    """A folder whose `shopify.extension.toml` says `type = "theme"`."""

    folder: Path
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @classmethod
    def read(cls, folder: Path) -> "ThemeExtension":
        """The extension in a folder. Raises ValueError when a block has no schema or one that is no JSON."""
        return cls(folder, tuple(_block(path) for path in sorted(folder.glob("blocks/*.liquid"))))

    def translations(self, locale: str = "en") -> dict[str, Any]:
        """The storefront texts of a locale, else the default ones."""
        own, default = self.folder / f"locales/{locale}.json", sorted(self.folder.glob("locales/*.default.json"))
        path = own if own.exists() else default[0] if default else None
        return json.loads(path.read_text()) if path else {}

    def asset(self, name: str) -> Path | None:
        """A file of the assets folder, None for anything else."""
        path = self.folder / "assets" / name
        return path.resolve() if path.parent == self.folder / "assets" and path.is_file() else None

    def template(self, block: Block, handle: str, currency: str, locale: str = "en") -> BoundTemplate:
        """A block's Liquid, ready to render. Strict: unknown tags, filters, objects and properties are errors."""
        snippets = DictLoader({path.stem: path.read_text() for path in self.folder.glob("snippets/*.liquid")})
        env = Environment(loader=snippets, tolerance=Mode.STRICT, undefined=StrictUndefined, strict_filters=True)
        assets = Addresses(handle).asset(self.name, "").rstrip("/")
        liquid_filters.install(env, currency, self.translations(locale), assets)
        return env.from_string(block.source)


def beside(toml: Path | None) -> list[ThemeExtension]:
    """The theme extensions of the app that this `shopify.app.toml` describes."""
    folder = toml.parent / "extensions" if toml else None
    if not folder or not folder.is_dir():
        return []
    found = sorted(folder.glob("*/shopify.extension.toml"))
    return [
        ThemeExtension.read(path.parent) for path in found if tomllib.loads(path.read_text()).get("type") == "theme"
    ]


def _block(path: Path) -> Block:
    source = path.read_text()
    found = SCHEMA.search(source)
    if not found:
        raise ValueError(f"{path} has no schema")
    try:
        return Block(path.stem, source, json.loads(found[1]))
    except json.JSONDecodeError as error:
        raise ValueError(f"the schema of {path} is no JSON: {error}") from error
