"""The extension folder as Shopify takes it: valid schema, complete translations, small assets, no scripts."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.storefront.tea_shop import ROOT

FOLDER: Path = ROOT / "extensions" / "recommendations"
SOURCE = (FOLDER / "blocks/recommendations.liquid").read_text()
SCHEMA: dict[str, Any] = json.loads(re.search(r"{% schema %}(.*){% endschema %}", SOURCE, re.DOTALL)[1])  # type: ignore[index]
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


def test_settings_are_named_once_and_with_words_that_liquid_can_read() -> None:
    ids = [setting["id"] for setting in SCHEMA["settings"]]
    assert len(ids) == len(set(ids)) <= 25
    assert all(re.fullmatch(r"[a-z][a-z_]*", one) and one not in RESERVED for one in ids)
    assert set(re.findall(r"block\.settings\.(\w+)", SOURCE)) == set(ids)


def test_settings_have_possible_defaults() -> None:
    for setting in SCHEMA["settings"]:
        if setting["type"] == "range":
            steps = (setting["max"] - setting["min"]) / setting["step"]
            assert 2 <= steps <= 100
            assert (setting["default"] - setting["min"]) % setting["step"] == 0
        if setting["type"] == "select":
            assert setting["default"] in [option["value"] for option in setting["options"]]


def test_every_name_in_the_theme_editor_is_translated() -> None:
    used = set(re.findall(r'"t:([\w.]+)"', SOURCE))
    assert used == texts("en.default.schema.json") == texts("de.schema.json")
    name = json.loads((FOLDER / "locales/en.default.schema.json").read_text())["recommendations"]["name"]
    assert len(name) <= 25


@pytest.mark.parametrize("locale", ["en.default", "de", "fr", "es"])
def test_every_text_of_the_block_is_translated(locale: str) -> None:
    assert texts(f"{locale}.json") == set(re.findall(r"'([\w.]+)' \| t\b", SOURCE))


def test_assets_are_small_and_there_is_no_script() -> None:
    css = (FOLDER / "assets" / SCHEMA["stylesheet"]).read_bytes()
    assert len(css) < 10_000
    assert b"@import" not in css
    assert not list(FOLDER.rglob("*.js"))
    assert "javascript" not in SCHEMA
    assert not re.search(r"<script|{%-?\s*(stylesheet|javascript)|https?://", SOURCE)


def test_classes_of_the_block_have_a_style_and_styles_have_a_class() -> None:
    css = (FOLDER / "assets" / SCHEMA["stylesheet"]).read_text()
    options = next(one["options"] for one in SCHEMA["settings"] if one["id"] == "image_shape")
    used = set(re.findall(r"foretally-recs[\w-]*", re.sub(r"(id|labelledby)=\"[^\"]*\"", "", SOURCE)))
    used |= {f"foretally-recs__media--{option['value']}" for option in options}
    used -= {"foretally-recs__media--"}
    styled = set(re.findall(r"\.(foretally-recs[\w-]*)", css))
    assert styled <= used
    assert used - styled == {"foretally-recs__media--square"}


def test_shopifys_own_theme_check_finds_nothing(tmp_path: Path) -> None:
    if not shutil.which("node") or not (ROOT / "node_modules/@shopify/theme-check-node").is_dir():
        pytest.skip("needs Node and `npm ci` (@shopify/theme-check-node)")
    config = tmp_path / "theme-check.yml"
    config.write_text("extends: theme-check:theme-app-extension\n")
    program = (
        "const {themeCheckRun} = require('@shopify/theme-check-node');"
        "themeCheckRun(process.argv[1], process.argv[2]).then(({offenses}) => console.log(JSON.stringify("
        "offenses.map(one => `${one.check} ${one.uri}:${one.start.line + 1} ${one.message}`))));"
    )
    command = ["node", "-e", program, str(FOLDER), str(config)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
