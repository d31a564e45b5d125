"""Secrets at rest: AES-256-GCM with keys derived from the signing keys (HKDF, RFC 5869)."""

import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class CannotOpen(ValueError):
    """Sealed by a key that is gone, for another context, or damaged."""


class Sealer:
    """Seals and opens small secrets.

    Args:
        keys: Key bytes by key id; all of them open.
        current: The id of the key that seals.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self._current = current
        self._ciphers = {
            name: AESGCM(HKDF(SHA256(), 32, salt=None, info=b"spool sealing").derive(key))
            for name, key in keys.items()
        }

    def seal(self, plain: bytes, context: str) -> bytes:
        """`key id, NUL, nonce, ciphertext`; opens with the same context only."""
        nonce = secrets.token_bytes(_NONCE)
        cipher = self._ciphers[self._current]
        return (
            self._current.encode() + b"\0" + nonce + cipher.encrypt(nonce, plain, context.encode())
        )

    def open(self, sealed: bytes, context: str) -> bytes:
        """What was sealed.

        Raises:
            CannotOpen: see there.
        """
        name, _, rest = sealed.partition(b"\0")
        cipher = self._ciphers.get(name.decode(errors="replace"))
        if cipher is None:
            raise CannotOpen("sealed by a key that is not here")
        try:
            return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("damaged, or sealed for something else") from error
