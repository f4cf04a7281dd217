"""Stable numbers for the names that order files use: the same text gives the same id in every file and run."""

import re
from hashlib import blake2b

from devstore.sales.orders import PRODUCT_BASE

LARGEST = 2**53 - 1
"""Ids travel through JavaScript."""
STOCK_CODE = re.compile(r"(\d{5})([A-Z]{0,2})")
NOT_A_PRODUCT = -1


def of_stock_code(code: str) -> int:
    """ "85048" as 8400085048000 and "79323P" as 8400079323016; NOT_A_PRODUCT for postage, fees and gift vouchers.

    Five digits and at most two letters, so the number is the code itself and no two codes can meet.
    """
    found = STOCK_CODE.fullmatch(code.strip().upper())
    if not found:
        return NOT_A_PRODUCT
    letters = 0
    for letter in found[2]:
        letters = letters * 27 + ord(letter) - ord("A") + 1
    return PRODUCT_BASE + int(found[1]) * 1000 + letters


def of_text(text: str) -> int:
    """A whole number as itself, any other text as 48 bits of its hash."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit() and int(plain) <= LARGEST:
        return int(plain)
    return int.from_bytes(blake2b(plain.encode(), digest_size=6).digest(), "big")
