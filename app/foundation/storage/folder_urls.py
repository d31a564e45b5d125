"""The URLs under which the API serves a folder store, and what is signed in each.

    GET, PUT  <base>/objects/<key>?token=…
    PUT       <base>/parts/<upload id>/<number>?token=…

The mac covers the method and the path below the base, so the base may be whatever a proxy makes of
it. A GET's token is good for HEAD.
"""

from datetime import datetime, timedelta
from urllib.parse import quote

from app.foundation.clock import Clock
from app.foundation.signing import Claims, UrlSigner
from app.foundation.storage.keys import validate_key
from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, SignedRequest

CLAIM_CONTENT_TYPE = "t"
CLAIM_FILENAME = "f"
CLAIM_KEY = "k"
CLAIM_SIZE = "s"


def object_path(key: str) -> str:
    return f"objects/{key}"


def part_path(upload_id: str, number: int) -> str:
    return f"parts/{upload_id}/{number}"


class FolderUrls:
    """Implements SignedUrls.

    Args:
        base_url: What stands before the paths above, without a slash at its end.
    """

    def __init__(self, signer: UrlSigner, base_url: str, clock: Clock) -> None:
        self._signer = signer
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    def sign_get(self, key: str, *, expires: timedelta, filename: str | None = None) -> str:
        claims = {} if filename is None else {CLAIM_FILENAME: filename}
        return self._sign("GET", object_path(validate_key(key)), expires, claims).url

    def sign_put(
        self,
        key: str,
        *,
        expires: timedelta,
        size: int | None = None,
        content_type: str = DEFAULT_CONTENT_TYPE,
    ) -> SignedRequest:
        claims: dict[str, str | int] = {CLAIM_CONTENT_TYPE: content_type}
        if size is not None:
            claims[CLAIM_SIZE] = size
        headers = {"content-type": content_type}
        return self._sign("PUT", object_path(validate_key(key)), expires, claims, headers)

    def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        *,
        expires: timedelta,
        size: int | None = None,
    ) -> SignedRequest:
        claims: dict[str, str | int] = {CLAIM_KEY: validate_key(key)}
        if size is not None:
            claims[CLAIM_SIZE] = size
        return self._sign("PUT", part_path(upload_id, number), expires, claims)

    def _sign(
        self,
        method: str,
        path: str,
        expires: timedelta,
        claims: Claims,
        headers: dict[str, str] | None = None,
    ) -> SignedRequest:
        expires_at = _whole_second(self._clock() + expires)
        token = self._signer.sign(method, path, expires_at=expires_at, claims=claims)
        url = f"{self._base_url}/{quote(path)}?token={token}"
        return SignedRequest(method, url, expires_at, headers or {})


def _whole_second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
