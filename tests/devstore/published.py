"""Where the published facts about Shopify may be found on this machine."""

import gzip
import json
import os
import re
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_client_schema, build_schema

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FORETALLY_SHARED", ROOT.parent / "shared")) / "shopify"
PACKAGE = ROOT / "node_modules" / "@shopify" / "dev-mcp" / "dist" / "data" / "admin_2026-10.json.gz"


@cache
def schema() -> GraphQLSchema:
    """Shopify's own Admin schema of 2026-10; skips the test when there is no copy."""
    sdl = SHARED / "admin_schema_2026-10.graphql.gz"
    if sdl.exists():
        # Without its descriptions the text is a quarter as long and parsed in a third of the time.
        text = re.sub(r'"""[\s\S]*?"""', "", gzip.decompress(sdl.read_bytes()).decode())
        return build_schema(text, assume_valid=True, no_location=True)
    if PACKAGE.exists():
        return build_client_schema(json.loads(gzip.decompress(PACKAGE.read_bytes()))["data"], assume_valid=True)
    pytest.skip("no copy of the Admin schema: set FORETALLY_SHARED or run `npm install` for @shopify/dev-mcp")


def payload_schema(topic: str) -> dict[str, object]:
    """The JSON Schema of a webhook's payload at 2026-07, inferred from Shopify's samples; fails in CI without npm."""
    path = ROOT / "node_modules" / "shopify-webhook-schemas" / "schemas" / "2026-07" / f"{topic}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    if os.environ.get("CI") == "true":
        pytest.fail("no shopify-webhook-schemas: run `npm install`")
    pytest.skip("needs the npm package shopify-webhook-schemas: run `npm install`")


def shared(name: str) -> object:
    """A JSON file of the shared folder; skips the test when it is not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not there: set FORETALLY_SHARED")
    return json.loads(path.read_text())
