"""Where media is fetched from, and what lets a viewer fetch it.

A grant opens everything under one prefix of the object store for a while. Here it is part of the
URL: `/media/<grant>/<audience>/<prefix>/…`. Relative URIs in playlists keep it, so a player needs
nothing but the address of the manifest. Revoking a playback id ends the making of grants; one that
was made already lasts until it expires, as a signed cookie at a CDN does.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class GrantCookie:
    """A cookie for everything below `path` on `domain`, sent over TLS and kept from scripts.

    Args:
        seconds: How long it lasts.
    """

    name: str
    value: str
    domain: str
    path: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What opens everything under one prefix to a viewer.

    Args:
        base_url: What stands before a key's part behind the prefix, without a slash at the end.
        query: What each URL has to end with, without the question mark; empty where the URL's path
            or a cookie is permission enough.
        cookies: What the answer that hands the grant out has to set.
    """

    base_url: str
    query: str = ""
    cookies: tuple[GrantCookie, ...] = ()

    @property
    def carries_over(self) -> bool:
        """Whether relative URIs in what it opens are opened too: they keep no query."""
        return not self.query

    def url(self, relative: str) -> str:
        """The address of an object by its path below the prefix."""
        return f"{self.base_url}/{relative}" + (f"?{self.query}" if self.query else "")


class Delivery(Protocol):
    """Makes media reachable; the API itself on one machine, a CDN elsewhere."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of media, for a page's policy; empty where it is the page's."""

    @property
    def sets_cookies(self) -> bool:
        """Whether a page of ours gets its grants as cookies, if it asks for that."""

    def grant(
        self,
        media_prefix: str,
        expires: datetime,
        audience: Audience,
        *,
        cookies: bool = False,
    ) -> Grant:
        """What opens the prefix.

        Args:
            expires: When what was made from it stops working.
            cookies: Whether who asks keeps cookies and sends them along; only a page of ours does
                so for sure.
        """


class ApiDelivery:
    """Serves media from this API under signed paths."""

    def __init__(self, signer: UrlSigner, *, clock: Clock = utc_now) -> None:
        self._signer = signer
        self._clock = clock

    @property
    def origin(self) -> str:
        return ""

    @property
    def sets_cookies(self) -> bool:
        return False

    def grant(
        self,
        media_prefix: str,
        expires: datetime,
        audience: Audience,
        *,
        cookies: bool = False,  # noqa: ARG002  # the path is permission enough
    ) -> Grant:
        path = f"{audience.value}/{media_prefix.strip('/')}"
        signed = self._signer.sign_prefix(path, expires_at=expires)
        # Without a host: it holds behind every name this API is reached by.
        return Grant(f"{MEDIA_PATH}/{signed}/{path}")

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
