"""Which requests the shadow answers too."""

import hashlib


def shadows(request_id: str, share: float) -> bool:
    """Whether this request is in the `share` for the shadow: the same on every machine and every retry."""
    draw = int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=4).digest(), "big")
    return draw < share * 2**32
