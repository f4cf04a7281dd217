"""Tables as files for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins with one of these is run by a spreadsheet as a formula."""


def sheet(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A CSV file that no spreadsheet runs anything from."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return Response(text.getvalue(), mimetype="text/csv")


def safe(text: str) -> str:
    """The text, behind an apostrophe when a spreadsheet would run it as a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA) else text
