"""Tables as CSV that no spreadsheet runs anything from."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins with one of these is run by a spreadsheet as a formula."""


def text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The table as a file holds it."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return written.getvalue()


def safe(text: str) -> str:
    """The text, behind an apostrophe when a spreadsheet would run it as a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA) else text
