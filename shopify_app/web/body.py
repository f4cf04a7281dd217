"""A request's body, up to a size. A longer one is read and thrown away first, so that the sender hears the answer."""

from collections.abc import Callable

from shopify_app.errors import Refused

LARGEST = 4 << 20
"""Shopify's largest are orders of 500 lines, below one megabyte."""
PATIENT_UP_TO = 64 << 20
PIECE = 1 << 16


class Pieces:
    """What came of a body so far; nothing is kept of one that is too large."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> bool:
        """Whether to go on reading."""
        self._size += len(piece)
        if self._size <= LARGEST:
            self._kept.append(piece)
        else:
            self._kept.clear()
        return self._size <= PATIENT_UP_TO

    def whole(self) -> bytes:
        """The raw bytes, which are not kept here any longer. Raises Refused with status 413."""
        if self._size > LARGEST:
            raise Refused("too_large", status=413)
        body = b"".join(self._kept)
        self._kept.clear()
        return body


def whole_body(read: Callable[[int], bytes]) -> bytes:
    """The raw bytes out of a stream. Raises Refused with status 413."""
    pieces = Pieces()
    while (piece := read(PIECE)) and pieces.add(piece):
        pass
    return pieces.whole()
