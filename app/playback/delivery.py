"""Where media is fetched from, and what lets a viewer fetch it.

A grant opens everything under one prefix of the object store for a while, and is part of the URL:
`/media/<grant>/<audience>/<prefix>/…`. Relative URIs in playlists keep it, so a player needs
nothing but the address of the manifest. Revoking a playback id ends the making of grants; one that
was made already lasts until it expires, as a signed cookie at a CDN does.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from app.foundation.clock import Clock, utc_now
from app.foundation.errors import Forbidden
from app.foundation.signing import SignatureExpired, SignatureInvalid, UrlSigner

MEDIA_PATH = "/media"


class Audience(StrEnum):
    """Whose caches may keep a response."""

    EVERYBODY = "public"
    VIEWER = "private"


class Delivery(Protocol):
    """Makes media reachable; the API itself on one machine, a CDN elsewhere."""

    def base_url(
        self, playback_id: str, media_prefix: str, expires: datetime, audience: Audience
    ) -> str:
        """What stands before a key's part behind `media_prefix`, without a slash at the end.

        Args:
            expires: When what was made from it stops working.
        """


class ApiDelivery:
    """Serves media from this API under signed paths."""

    def __init__(self, signer: UrlSigner, *, clock: Clock = utc_now) -> None:
        self._signer = signer
        self._clock = clock

    def base_url(
        self,
        playback_id: str,  # noqa: ARG002  # for a CDN's logs; here nothing tells viewers apart
        media_prefix: str,
        expires: datetime,
        audience: Audience,
    ) -> str:
        path = f"{audience.value}/{media_prefix.strip('/')}"
        grant = self._signer.sign_prefix(path, expires_at=expires)
        # Without a host: it holds behind every name this API is reached by.
        return f"{MEDIA_PATH}/{grant}/{path}"

    def open(self, grant: str, path: str) -> tuple[Audience, str]:
        """The audience and the object's key behind a path under a grant.

        Raises:
            Forbidden: signature_invalid or signature_expired.
        """
        path = path.lstrip("/")
        try:
            self._signer.verify_prefix(grant, path, now=self._clock())
        except SignatureExpired as error:
            raise Forbidden(
                "signature_expired", "This link has expired. Load the video's page again."
            ) from error
        except SignatureInvalid as error:
            raise Forbidden("signature_invalid", "This link does not open that.") from error
        audience, _, key = path.partition("/")
        return Audience(audience), key


def shared_expiry(now: datetime, lasts: timedelta) -> datetime:
    """An expiry at least `lasts` ahead that is the same for everybody within an hour.

    So the URLs of a public video stay the same, and caches can hold what is behind them.
    """
    step = timedelta(hours=1).total_seconds()
    latest = (now + lasts).timestamp()
    return datetime.fromtimestamp(-(-latest // step) * step, tz=now.tzinfo)
