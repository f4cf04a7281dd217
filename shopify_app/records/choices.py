"""From which of our lists a line was put into the cart: the one thing that is read of what may stand on a line."""

from collections.abc import Mapping
from typing import Any

CHOSEN = "_recommended"
"""What the theme block notes on a line that was put into the cart from a list; Shopify hides such names from buyers."""
LARGEST_ID = 2**63 - 1


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


def noted(beside_id: int | None) -> dict[str, Any]:
    """The same as it stands on a line, and nothing else that may stand there."""
    return {} if beside_id is None else {"properties": [{"name": CHOSEN, "value": str(beside_id)}]}
