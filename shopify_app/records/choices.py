"""What our blocks note on a line that is put into the cart: nothing else is read of what may stand there."""

import re
from collections.abc import Mapping
from typing import Any

from shopify_app.tables.base import LARGEST_ID

CHOSEN = "_recommended"
"""What the theme block notes on a line that was put into the cart from a list; Shopify hides such names from buyers."""
TEST = "_foretally_test"
"""What the block of A/B tests notes: number of the test and group of a shopper who had met a list by then, like 3a."""
ARM = re.compile(r"[1-9][0-9]{0,8}[ab]")


def beside(properties: Any) -> int | None:
    """The product in whose list a line was chosen, 0 for a list that stood beside none; None when it came another way.

    Shoppers can write what they like, so anything else than a number is 0.
    """
    for one in properties if isinstance(properties, list) else []:
        if isinstance(one, Mapping) and one.get("name") == CHOSEN:
            text = str(one.get("value"))
            number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
            return number if number <= LARGEST_ID else 0
    return None


def test_arm(properties: Any) -> str | None:
    """The test and group in which a line was put into the cart; None without a test."""
    for one in properties if isinstance(properties, list) else []:
        if isinstance(one, Mapping) and one.get("name") == TEST and ARM.fullmatch(str(one.get("value"))):
            return str(one["value"])
    return None


def noted(beside_id: int | None, arm: str | None) -> dict[str, Any]:
    """The same as it stands on a line, and nothing else that may stand there."""
    found = [(CHOSEN, None if beside_id is None else str(beside_id)), (TEST, arm)]
    told = [{"name": name, "value": value} for name, value in found if value is not None]
    return {"properties": told} if told else {}
