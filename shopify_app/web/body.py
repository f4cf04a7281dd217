"""A request's body, up to a size. A longer one is read and thrown away first, so that the sender hears the answer."""

from flask import request

from shopify_app.errors import Refused

LARGEST = 8 << 20
PATIENT_UP_TO = 64 << 20
PIECE = 1 << 16


def whole_body() -> bytes:
    """The raw bytes. Raises Refused with status 413."""
    pieces, size = [], 0
    while size <= PATIENT_UP_TO and (piece := request.stream.read(PIECE)):
        size += len(piece)
        if size <= LARGEST:
            pieces.append(piece)
    if size > LARGEST:
        raise Refused("too_large", status=413)
    return b"".join(pieces)
