"""Media behind CloudFront, in front of a private bucket.

One policy opens everything under a prefix: `<distribution>/<prefix>/*`. Where it travels depends
on who asks. A page of ours on a domain that the distribution shares gets cookies, for the prefix
alone, so that any number of videos can be open at once. Everybody else gets it in the query of each
URL: relative URIs in a playlist do not keep the query they were found under, and what players do
with cookies is anybody's guess.
"""

from datetime import datetime
from urllib.parse import quote, urlsplit

from app.foundation.clock import Clock, utc_now
from app.foundation.cloudfront_signing import CloudFrontSigner
from app.playback.delivery import Audience, Grant, GrantCookie


class CloudFrontDelivery:
    """Signs for a distribution that trusts a key group.

    Args:
        url: Of the distribution; the store's keys lie behind it.
        cookie_domain: The domain that pages of this API and the distribution share; None where
            they share none, and grants go into queries.
    """

    def __init__(
        self,
        url: str,
        signer: CloudFrontSigner,
        *,
        cookie_domain: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._url = url.rstrip("/")
        self._signer = signer
        self._cookie_domain = cookie_domain
        self._clock = clock

    @property
    def origin(self) -> str:
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def sets_cookies(self) -> bool:
        return self._cookie_domain is not None

    def grant(
        self,
        media_prefix: str,
        expires: datetime,
        audience: Audience,  # noqa: ARG002  # the distribution asks everybody for a signature
        *,
        cookies: bool = False,
    ) -> Grant:
        base_url = f"{self._url}/{quote(media_prefix.strip('/'))}"
        signed = self._signer.sign(f"{base_url}/*", expires)
        if not cookies or self._cookie_domain is None:
            return Grant(base_url, query=signed.query)
        path, seconds = urlsplit(base_url).path, (expires - self._clock()).total_seconds()
        return Grant(
            base_url,
            cookies=tuple(
                GrantCookie(
                    f"CloudFront-{name}", value, self._cookie_domain, path, max(0, int(seconds))
                )
                for name, value in signed.fields
            ),
        )
