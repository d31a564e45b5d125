"""Keys for signed cookies: made here, checked by CloudFront, used by the API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class SigningKeys:
    """Configuration to set, by bare key."""

    plain: Mapping[str, str]
    secret: Mapping[str, str]


def new_signing_keys(config: Mapping[str, str], name: str) -> SigningKeys:
    """The keys of a configuration and one more, which signs from now on.

    ECDSA of P-256: CloudFront takes it, and its signatures are a third as long as RSA's.

    Args:
        config: By full key, secrets in the clear.
        name: Of the new key; letters, digits and hyphens.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SigningKeys(
        plain={
            "cdnPublicKeys": _with(config, "cdnPublicKeys", name, public.decode()),
            "cdnSigningKey": name,
        },
        secret={"cdnPrivateKeys": _with(config, "cdnPrivateKeys", name, private.decode())},
    )


def _with(config: Mapping[str, str], key: str, name: str, value: str) -> str:
    held = json.loads(config.get(f"spool:{key}") or "{}")
    return json.dumps({**held, name: value})
