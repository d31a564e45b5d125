"""Ids that say what they name and sort by when they were made."""

import secrets

import uuid_utils

# Crockford's base 32 in lower case: no i, l, o, u; keeps the order of the bits it encodes.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 26
# Eight bytes stand for each character, so that all are as likely.
_OF_BYTE = bytes(ord(_ALPHABET[byte % 32]) for byte in range(256))


def new_id(prefix: str) -> str:
    """`prefix_` and a UUIDv7 (RFC 9562) in 26 characters of base 32, e.g. `ast_06b2…`."""
    number = uuid_utils.uuid7().int
    digits = [_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def random_id(length: int = 22) -> str:
    """An id that tells nothing, not even its age: 5 bits of randomness a character."""
    return secrets.token_bytes(length).translate(_OF_BYTE).decode()


def is_id(text: str, prefix: str) -> bool:
    head, _, tail = text.partition("_")
    return head == prefix and len(tail) == _LENGTH and all(c in _ALPHABET for c in tail)
