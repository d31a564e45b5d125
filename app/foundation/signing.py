"""URLs that open one thing for a while, to whoever holds them.

A token is `<key id>.<expiry>.<claims>.<mac>`: the expiry in seconds since 1970, hexadecimal; the
claims as JSON, base64url; the mac the first 16 bytes of HMAC-SHA256 (RFC 2104 asks for at least
half), base64url. What the URL says anyway, its method and its path, goes into the mac and not into
the token. All characters may stand in a path segment or a query as they are.

A token for a prefix, `<key id>.<expiry>.<number of segments>.<mac>`, is short enough to be a
segment itself, so that relative URIs in a document below it lead to signed URLs again.

Keys rotate: `current` signs, all verify; a key is dropped when what it signed has expired.
"""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime

Claims = Mapping[str, str | int]
_Bound = Callable[[str], str]

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,32})\.([0-9a-f]{1,11})\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)")
_MIN_KEY_BYTES = 32
_MAC_BYTES = 16


class SignatureInvalid(Exception):
    """The token is not one of ours, or is for something else."""


class SignatureExpired(Exception):
    """The token was one of ours, and its time is over."""


class UrlSigner:
    """Signs and verifies tokens.

    Args:
        keys: Secret bytes by key id; at least 32 bytes each, ids of `A-Za-z0-9_-`.
        current: The id of the key that signs.

    Raises:
        ValueError: a key is short, an id has other characters, or `current` is not among them.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        if current not in keys:
            raise ValueError(f"no key has the id {current!r}")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise ValueError(f"{key_id!r} cannot be a key id")
            if len(key) < _MIN_KEY_BYTES:
                raise ValueError(f"key {key_id!r} has less than {_MIN_KEY_BYTES} bytes")
        self._keys = dict(keys)
        self._current = current

    def sign(
        self, method: str, path: str, *, expires_at: datetime, claims: Claims | None = None
    ) -> str:
        """A token for one method and path, which carries the claims in the open."""
        payload = json.dumps(dict(claims), separators=(",", ":")) if claims else ""
        return self._token(expires_at, _encode(payload.encode()), f"url\n{method}\n{path}")

    def verify(self, token: str, method: str, path: str, *, now: datetime) -> dict[str, str | int]:
        """The claims of a token of `sign`.

        Raises:
            SignatureInvalid: not ours, or for another method or path.
            SignatureExpired: ours, and too late.
        """
        payload = self._verified(token, lambda _: f"url\n{method}\n{path}", now)
        claims: dict[str, str | int] = json.loads(_decode(payload)) if payload else {}
        return claims

    def sign_prefix(self, prefix: str, *, expires_at: datetime) -> str:
        """A token for all paths below `prefix`, a path of one or more segments."""
        segments = prefix.strip("/").split("/")
        return self._token(expires_at, str(len(segments)), f"prefix\n{'/'.join(segments)}")

    def verify_prefix(self, token: str, path: str, *, now: datetime) -> None:
        """Returns when a token of `sign_prefix` covers the path.

        Raises:
            SignatureInvalid: not ours, or for another prefix.
            SignatureExpired: ours, and too late.
        """

        def covered(count: str) -> str:
            segments = path.strip("/").split("/")
            if not count.isdecimal() or int(count) >= len(segments) or ".." in segments:
                raise SignatureInvalid("the token does not cover this path")
            return f"prefix\n{'/'.join(segments[: int(count)])}"

        self._verified(token, covered, now)

    def _token(self, expires_at: datetime, payload: str, bound: str) -> str:
        head = f"{self._current}.{int(expires_at.timestamp()):x}.{payload}"
        return f"{head}.{self._mac(self._current, head, bound)}"

    def _mac(self, key_id: str, head: str, bound: str) -> str:
        # The head has no newline: where it ends and the rest begins is never in doubt.
        message = f"{head}\n{bound}".encode("utf-8", "surrogatepass")
        return _encode(hmac.digest(self._keys[key_id], message, "sha256")[:_MAC_BYTES])

    def _verified(self, token: str, bound_to: _Bound, now: datetime) -> str:
        match = _TOKEN.fullmatch(token)
        if match is None or match[1] not in self._keys:
            raise SignatureInvalid("the token is not one of ours")
        key_id, expiry, payload, mac = match.groups()
        expected = self._mac(key_id, f"{key_id}.{expiry}.{payload}", bound_to(payload))
        if not hmac.compare_digest(mac, expected):
            raise SignatureInvalid("the token is not for this, or was tampered with")
        if now.timestamp() >= int(expiry, 16):
            raise SignatureExpired("the token has expired")
        return payload


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
