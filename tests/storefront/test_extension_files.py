"""The extension folder as Shopify takes it: valid schema, complete translations, small assets, no scripts."""

import gzip
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devstore.storefront.theme_extension import ThemeExtension
from tests.chromium import missing
from tests.storefront.tea_shop import ROOT

FOLDER: Path = ROOT / "extensions" / "recommendations"
BLOCKS = {path.stem: path.read_text() for path in FOLDER.glob("blocks/*.liquid")}
SNIPPETS = {path.stem: path.read_text() for path in FOLDER.glob("snippets/*.liquid")}
SOURCE = "\n".join([*BLOCKS.values(), *SNIPPETS.values()])
SCRIPT = FOLDER / "assets/recommendations.js"


def schema(source: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(re.search(r"{% schema %}(.*){% endschema %}", source, re.DOTALL)[1])  # type: ignore[index]
    return found


SCHEMAS = {name: schema(source) for name, source in BLOCKS.items()}
RESERVED = {
    "limit",
    "offset",
    "reversed",
    "cols",
    "in",
    "and",
    "or",
    "contains",
    "true",
    "false",
    "nil",
    "blank",
    "empty",
}


def leaves(node: Any, path: str = "") -> Iterator[str]:
    """Dotted keys of all texts."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from leaves(child, f"{path}.{key}" if path else key)
    else:
        yield path


def texts(name: str) -> set[str]:
    return set(leaves(json.loads((FOLDER / "locales" / name).read_text())))


def test_the_folder_holds_only_what_shopify_takes() -> None:
    assert tomllib.loads((FOLDER / "shopify.extension.toml").read_text())["type"] == "theme"
    for path in FOLDER.rglob("*"):
        where = path.relative_to(FOLDER).parts
        assert where == ("shopify.extension.toml",) or where[0] in ("assets", "blocks", "locales", "snippets")
        assert len(where) <= 2


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_settings_are_named_once_and_with_words_that_liquid_can_read(name: str) -> None:
    ids = [setting["id"] for setting in SCHEMAS[name]["settings"]]
    assert len(ids) == len(set(ids)) <= 25
    assert all(re.fullmatch(r"[a-z][a-z_]*", one) and one not in RESERVED for one in ids)
    used = set(re.findall(r"settings\.(\w+)", BLOCKS[name] + "".join(SNIPPETS.values())))
    assert set(ids) <= used
    assert set(re.findall(r"settings\.(\w+)", BLOCKS[name])) <= set(ids)


def test_snippets_use_only_settings_that_every_block_has() -> None:
    with_lists = [SCHEMAS[name] for name, source in BLOCKS.items() if "render 'foretally-" in source]
    assert len(with_lists) == 4
    common = set.intersection(*({setting["id"] for setting in one["settings"]} for one in with_lists))
    assert set(re.findall(r"settings\.(\w+)", "".join(SNIPPETS.values()))) <= common


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_settings_have_possible_defaults(name: str) -> None:
    for setting in SCHEMAS[name]["settings"]:
        if setting["type"] == "range":
            steps = (setting["max"] - setting["min"]) / setting["step"]
            assert 2 <= steps <= 100
            assert (setting["default"] - setting["min"]) % setting["step"] == 0
        if setting["type"] == "select":
            assert setting["default"] in [option["value"] for option in setting["options"]]


def test_every_name_in_the_theme_editor_is_translated() -> None:
    used = set(re.findall(r'"t:([\w.]+)"', SOURCE))
    assert used == texts("en.default.schema.json") == texts("de.schema.json")
    for locale in ("en.default", "de"):
        told = json.loads((FOLDER / f"locales/{locale}.schema.json").read_text())["recommendations"]
        assert all(len(told[one["name"].rpartition(".")[2]]) <= 25 for one in SCHEMAS.values())


@pytest.mark.parametrize("locale", ["en.default", "de", "fr", "es"])
def test_every_text_of_the_block_is_translated(locale: str) -> None:
    assert texts(f"{locale}.json") == set(re.findall(r"'([\w.]+)' \| t\b", SOURCE))


def test_blocks_ask_for_nothing_and_only_the_embed_has_a_script() -> None:
    assert [one.name for one in (FOLDER / "assets").iterdir()] == [SCRIPT.name]
    for name, source in BLOCKS.items():
        assert not {"javascript", "stylesheet"} & set(SCHEMAS[name])
        assert ("<script" in source) == (SCHEMAS[name]["target"] != "section")
    assert not re.search(r"{%-?\s*(stylesheet|javascript)|https?://|@import|url\(", SOURCE)
    assert "<script" not in "".join(SNIPPETS.values())


def test_the_script_is_short_and_small() -> None:
    assert len(SCRIPT.read_text().splitlines()) < 100
    assert len(gzip.compress(SCRIPT.read_bytes())) <= 4096
    assert not re.search(r"https?://|innerHTML|eval|document\.cookie|Storage", SCRIPT.read_text())


def test_the_styles_are_small_and_have_a_class_each() -> None:
    css = SNIPPETS["foretally-style"]
    assert len(css) < 5_000
    used = set(re.findall(r"foretally-recs[\w-]*", re.sub(r"(id|labelledby)=\"[^\"]*\"", "", SOURCE.replace(css, ""))))
    used |= {f"foretally-recs__media--{option}" for option in ("square", "portrait", "landscape")}
    used -= {"foretally-recs__media--"}
    styled = set(re.findall(r"\.(foretally-recs[\w-]*)", css))
    assert styled <= used
    assert used - styled == {"foretally-recs__media--square", "foretally-recs-end"}


def test_shopifys_own_theme_check_finds_nothing() -> None:
    if not shutil.which("node") or not (ROOT / "node_modules/@shopify/theme-check-node").is_dir():
        missing("needs Node and `npm install` (@shopify/theme-check-node)")
    answer = subprocess.run(["node", "extensions/theme-check.cjs"], cwd=ROOT, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.strip()) == (0, "theme-check: nothing to complain about")


def test_assets_are_found_from_wherever_the_folder_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = ThemeExtension.read(Path("extensions/recommendations")).asset(SCRIPT.name)
    assert found == SCRIPT
