"""Tokens that open a signed playback id for a while, to whoever holds them."""

from datetime import UTC, datetime, timedelta

from app.foundation.clock import Clock, utc_now
from app.foundation.errors import Forbidden, Unauthenticated
from app.foundation.signing import SignatureExpired, SignatureInvalid, UrlSigner


class PlaybackTokens:
    """Makes and checks playback tokens; nothing is stored of them."""

    def __init__(self, signer: UrlSigner, *, clock: Clock = utc_now) -> None:
        self._signer = signer
        self._clock = clock

    def mint(self, playback_id: str, ttl: timedelta) -> tuple[str, datetime]:
        """A token for one playback id, and when it expires."""
        until = self._clock().replace(microsecond=0) + ttl
        token = self._signer.sign(
            "GET", _path(playback_id), expires_at=until, claims={"until": int(until.timestamp())}
        )
        return token, until

    def check(self, playback_id: str, token: str | None) -> datetime:
        """When the token expires.

        Raises:
            Unauthenticated: playback_token_missing.
            Forbidden: playback_token_invalid; it is wrong, for another video, or expired.
        """
        if not token:
            raise Unauthenticated(
                "playback_token_missing",
                "This video opens with a token. Ask whoever shared it for a complete link.",
            )
        try:
            claims = self._signer.verify(token, "GET", _path(playback_id), now=self._clock())
        except SignatureExpired as error:
            raise Forbidden(
                "playback_token_invalid",
                "The link to this video has expired. Ask whoever shared it for a new one.",
            ) from error
        except SignatureInvalid as error:
            raise Forbidden(
                "playback_token_invalid", "The token in this link does not open this video."
            ) from error
        return datetime.fromtimestamp(int(claims["until"]), tz=UTC)


def _path(playback_id: str) -> str:
    return f"/playback/{playback_id}"
