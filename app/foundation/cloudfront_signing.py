"""Signatures that CloudFront checks: custom policies of its private content.

A policy is JSON that names URLs, with `*` for any characters, and a time. CloudFront takes it from
the query (`Policy`, `Signature`, `Key-Pair-Id`) or from cookies of the same names behind
`CloudFront-`. Signatures are RSASSA-PKCS1-v1_5 of 2048 bits or ECDSA of P-256, each over SHA-1,
which is what CloudFront takes where nothing else is said; what is signed is written here alone, so
that nobody can prepare two policies of one hash.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_RSA_BITS = 2048
# CloudFront's own alphabet for what base64 has and a query may not.
_ALPHABET = bytes.maketrans(b"+=/", b"-_~")
_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class SignedPolicy:
    """A policy, its signature and the id of the key, as they go into a query or cookies."""

    policy: str
    signature: str
    key_pair_id: str

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        return (
            ("Policy", self.policy),
            ("Signature", self.signature),
            ("Key-Pair-Id", self.key_pair_id),
        )

    @property
    def query(self) -> str:
        """Without a question mark; nothing in it needs an escape."""
        return "&".join(f"{name}={value}" for name, value in self.fields)


class CloudFrontSigner:
    """Signs policies. The same policy gets the same signature each time, so that caches hold it.

    To rotate: add the new public key to the key group, then its private key here and name it as
    `current`; take the old public key out of the group when what it signed has expired.

    Args:
        keys: PEM private keys by the id that CloudFront gave the public key.
        current: The id of the key that signs.

    Raises:
        ValueError: `current` is not among them, or a key is not one that CloudFront takes.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        # All are read, so that a broken one is known before its turn comes.
        loaded = {key_id: _load(key_id, pem) for key_id, pem in keys.items()}
        if current not in loaded:
            raise ValueError(f"no private key has the id {current!r}")
        self._key = loaded[current]
        self._key_id = current

    def sign(self, resource: str, expires: datetime) -> SignedPolicy:
        """Opens every URL that `resource` stands for, until it expires."""
        policy = _policy(resource, expires)
        return SignedPolicy(_encode(policy), _encode(self._signature(policy)), self._key_id)

    def _signature(self, message: bytes) -> bytes:
        sha1 = SHA1()  # noqa: S303  # see above
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), sha1)
        # RFC 6979: no random number, so that the answer stays the same and its ETag with it.
        return self._key.sign(message, ec.ECDSA(sha1, deterministic_signing=True))


def _load(key_id: str, pem: bytes) -> _PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # Not with its cause: parts of the key might be in its words.
        raise ValueError(f"the private key {key_id!r} is not PEM: {type(error).__name__}") from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size == _RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError(f"the private key {key_id!r} is neither RSA of 2048 bits nor ECDSA of P-256")


def _policy(resource: str, expires: datetime) -> bytes:
    # Without white space: it is part of each address.
    condition = {"DateLessThan": {"AWS:EpochTime": int(expires.timestamp())}}
    statement = {"Resource": resource, "Condition": condition}
    return json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.b64encode(data).translate(_ALPHABET).decode()
