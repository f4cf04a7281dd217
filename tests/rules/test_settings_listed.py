""".env.example lists every setting that the app reads, and none that it does not."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ROOT / "shopify_app" / "config.py"
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|ENVIRONMENT")


def read_by_the_app() -> set[str]:
    """Every text in config.py that looks like the name of a variable."""
    texts = [node.value for node in ast.walk(ast.parse(CODE.read_text())) if isinstance(node, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and NAME.fullmatch(text)}


def listed() -> set[str]:
    return set(re.findall(r"^#?\s*([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_every_setting_is_listed_with_an_example() -> None:
    assert len(read_by_the_app()) >= 10
    assert listed() == read_by_the_app()


def test_settings_are_read_in_one_place() -> None:
    reading = re.compile(r"environ(?:\[|\.get\()|getenv\(")
    readers = [path for path in (ROOT / "shopify_app").rglob("*.py") if reading.search(path.read_text())]
    assert [str(path.relative_to(ROOT)) for path in readers] == ["shopify_app/config.py"]


def test_the_example_sets_only_what_has_no_default() -> None:
    # It is copied to .env as it is: an address of a database in it would need that database, on one machine too.
    given = re.findall(r"^([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert given == ["SHOPIFY_API_KEY", "SHOPIFY_API_SECRET", "APP_URL"]
