"""Tables as files for a spreadsheet."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from shopify_app.records import sheets

MARK = "\ufeff"
"""Without it Excel takes the file for another encoding than UTF-8, and “Crème” becomes “CrÃ¨me”."""


def sheet(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A CSV file that no spreadsheet runs anything from."""
    return Response(MARK + sheets.text(header, rows), mimetype="text/csv")
