"""Encryption at rest: AES-GCM under one of the configured keys, bound to what the bytes are about."""

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shopify_app.errors import ForetallyError

FORMAT = b"\x01"
NAME = 4
NONCE = 12


class CannotOpen(ForetallyError):
    """Sealed under a key we no longer hold, about something else, or damaged."""


class Seal:
    """Closes with the first key and opens with any of them, so keys can be rotated one at a time.

    `about` (shop and purpose) is not stored but has to be the same at both ends: one shop's sealed bytes cannot be
    passed off as another's.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one encryption key is needed")
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self._first = _name(keys[0])

    def close(self, plain: bytes, about: str) -> bytes:
        """Sealed bytes: format, key name, nonce, ciphertext with its tag."""
        nonce = os.urandom(NONCE)
        return FORMAT + self._first + nonce + self._ciphers[self._first].encrypt(nonce, plain, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """The plain bytes. Raises CannotOpen."""
        form, name, nonce, closed = sealed[:1], sealed[1 : 1 + NAME], sealed[5 : 5 + NONCE], sealed[5 + NONCE :]
        cipher = self._ciphers.get(name)
        if form != FORMAT or cipher is None:
            raise CannotOpen("sealed under a key that ENCRYPTION_KEYS does not hold")
        try:
            return cipher.decrypt(nonce, closed, about.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen(f"these sealed bytes are damaged or not about {about}") from None

    @property
    def first_name(self) -> bytes:
        """What the first key is called in what it sealed, from the second byte on."""
        return self._first


def _name(key: bytes) -> bytes:
    """Four bytes that tell keys apart and say nothing about them."""
    return hashlib.sha256(b"foretally key name" + key).digest()[:NAME]
