"""Tables as CSV that no spreadsheet runs anything from."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins with one of these is run by a spreadsheet as a formula."""
CUTS = (";", "\t", "\r", "\n")
"""Where a spreadsheet may cut a text in two: in most of Europe a semicolon ends a cell, and no comma."""
SECOND = re.compile(rf"[{''.join(CUTS)}](?=[ \u00a0\"]*[{re.escape(''.join(FORMULA))}])")
"""A cut before what would be a formula."""


def text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The table as a file holds it."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(header)
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return written.getvalue()


def safe(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run as a formula."""
    whole = f"'{text}" if text.lstrip(' \u00a0"').startswith(FORMULA) else text
    return SECOND.sub(r"\g<0>'", whole) if any(cut in whole for cut in CUTS) else whole
