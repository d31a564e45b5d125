"""Access tokens: JWT (RFC 7519) in the profile of RFC 9068, HS256, verified without a database."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

import jwt
import msgspec

from app.foundation.clock import Clock, utc_now
from app.foundation.errors import Unauthenticated

_TYPE = "at+jwt"
_AUDIENCE = "spool:api"
_ISSUER = "spool"


class Claims(msgspec.Struct, frozen=True):
    """Whom a token stands for: a person in a project, with the role of when it was issued."""

    sub: str
    prj: str
    role: str
    exp: int


class AccessTokens:
    """Issues and verifies.

    Args:
        keys: Secret bytes by key id; all of them verify. The keys for tokens are derived, so that
            nothing else that is signed with the same secrets can pass for a token.
        current: The id of the key that signs.
        lifetime: How long a token is valid, which is also how long a changed role may last.
    """

    def __init__(
        self,
        keys: Mapping[str, bytes],
        current: str,
        *,
        lifetime: timedelta,
        clock: Clock = utc_now,
    ) -> None:
        self._keys = {
            name: hmac.digest(key, b"spool access token", hashlib.sha256)
            for name, key in keys.items()
        }
        self._current = current
        self.lifetime = lifetime
        self._clock = clock

    def issue(self, *, user_id: str, project_id: str, role: str) -> str:
        now = self._clock()
        return jwt.encode(
            {
                "iss": _ISSUER,
                "aud": _AUDIENCE,
                "sub": user_id,
                "prj": project_id,
                "role": role,
                "iat": now,
                "exp": now + self.lifetime,
            },
            self._keys[self._current],
            algorithm="HS256",
            headers={"kid": self._current, "typ": _TYPE},
        )

    def verify(self, token: str) -> Claims:
        """The claims of a token of ours that is still valid.

        Raises:
            Unauthenticated: `credentials_invalid` or `token_expired`.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid", ""))
            if key is None or header.get("typ") != _TYPE:
                raise _invalid()
            payload = jwt.decode(
                token,
                key,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # Expiry goes by the clock that was handed in.
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
            )
            claims = msgspec.convert(payload, Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
            raise _invalid() from error
        if self.expired(claims):
            raise Unauthenticated("token_expired", "Refresh the access token, or sign in again.")
        return claims

    def expired(self, claims: Claims) -> bool:
        return datetime.fromtimestamp(claims.exp, self._clock().tzinfo) <= self._clock()


def _invalid() -> Unauthenticated:
    return Unauthenticated("credentials_invalid", "The access token is not one of ours.")
