"""Tables as files for a spreadsheet."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from shopify_app.records import sheets


def sheet(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A CSV file that no spreadsheet runs anything from."""
    return Response(sheets.text(header, rows), mimetype="text/csv")
