"""Which text is a valid value of which metafield type. Types that nobody needed here are refused, not guessed."""

import json
import re
from collections.abc import Callable, Container
from datetime import date
from typing import Any

MOST_IN_LIST = 128
MOST_BYTES = {"json": 128 * 1024}
MOST_BYTES_ELSE = 64 * 1024


def check_value(type_: str, value: str, products: Container[str]) -> None:
    """Raise ValueError with Shopify-like words when the text is no value of the type.

    `products` holds the global ids of products and variants that references may name.
    """
    if not value:
        raise ValueError("Value can't be blank.")
    if len(value.encode()) > MOST_BYTES.get(type_, MOST_BYTES_ELSE):
        raise ValueError(f"Value is too large for {type_}.")
    if type_.startswith("list."):
        _check_list(type_.removeprefix("list."), value, products)
    elif type_ not in CHECKS:
        raise ValueError(f"devstore does not know the metafield type {type_}; it knows {', '.join(sorted(CHECKS))}.")
    else:
        CHECKS[type_](value, products)


def _check_list(type_: str, value: str, products: Container[str]) -> None:
    elements = _json(value, products)
    if not isinstance(elements, list):
        raise ValueError("Value must be an array.")
    if len(elements) > MOST_IN_LIST:
        raise ValueError(f"Value exceeds the maximum of {MOST_IN_LIST} items.")
    for element in elements:
        check_value(type_, element if isinstance(element, str) else json.dumps(element), products)


def _json(value: str, products: Container[str]) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"Value is invalid JSON: {error}.") from error


def _reference(kind: str) -> Callable[[str, Container[str]], None]:
    def check(value: str, products: Container[str]) -> None:
        if not value.startswith(f"gid://shopify/{kind}/") or value not in products:
            raise ValueError(f"Value references non-existent resource {value}.")

    return check


def _pattern(pattern: str, words: str) -> Callable[[str, Container[str]], None]:
    compiled = re.compile(pattern, re.DOTALL)

    def check(value: str, products: Container[str]) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(f"Value must be {words}.")

    return check


def _date(value: str, products: Container[str]) -> None:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("Value must be in YYYY-MM-DD format.") from error


CHECKS: dict[str, Callable[[str, Container[str]], Any]] = {
    "boolean": _pattern("true|false", "true or false"),
    "date": _date,
    "json": _json,
    "multi_line_text_field": _pattern(".*", "text"),
    "number_decimal": _pattern(r"-?\d+(\.\d{1,9})?", "a decimal number"),
    "number_integer": _pattern(r"-?\d{1,16}", "an integer"),
    "product_reference": _reference("Product"),
    "single_line_text_field": _pattern(r"[^\n\r]*", "a single line of text"),
    "variant_reference": _reference("ProductVariant"),
}
