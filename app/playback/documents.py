"""Answers that hand out grants: manifests and playlists."""

import gzip
import hashlib
import re
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from app.foundation.storage.conditions import matches
from app.playback.delivery import Audience, Grant
from app.playback.viewing import Viewing

_WORTH_BYTES = 8192
_REFUSED = re.compile(r";\s*q=0(?:\.0*)?\s*$")


def cache_control(viewing: Viewing, grant: Grant) -> str:
    """Asked for again each time, so that a revoked id ends here; cookies are for one alone."""
    audience = Audience.VIEWER if grant.cookies else viewing.audience
    return f"{audience.value}, no-cache"


def cookies_of(grant: Grant) -> list[Cookie]:
    """The grant's cookies; page and media are of one site, so they need not cross any."""
    return [
        Cookie(
            key=cookie.name,
            value=cookie.value,
            domain=cookie.domain,
            path=cookie.path,
            max_age=cookie.seconds,
            secure=True,
            httponly=True,
            samesite="lax",
        )
        for cookie in grant.cookies
    ]


def answer_document(
    request: Request[Any, Any, Any], viewing: Viewing, grant: Grant, text: str, media_type: str
) -> Response[bytes]:
    """The document with its ETag and the grant's cookies, or 304 to who has it already."""
    body, encoding = _encoded(text.encode(), request.headers.get("accept-encoding", ""))
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": cache_control(viewing, grant),
        "Vary": "Accept-Encoding",
    }
    # On 304 as well: what the document leads to may have outlived the cookies.
    cookies = cookies_of(grant)
    if matches(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers, cookies=cookies)
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return Response(body, headers=headers, cookies=cookies, media_type=media_type)


def _encoded(body: bytes, accepted: str) -> tuple[bytes, str | None]:
    """Compressed where it pays and the client takes it (RFC 9110, 12.5.3), and how.

    Two hours in segments of 4 s, each address with its signature, are 1.4 MB, and 10 KB of gzip.
    """
    takes = {
        coding.partition(";")[0].strip().lower()
        for coding in accepted.split(",")
        if not _REFUSED.search(coding)
    }
    if len(body) < _WORTH_BYTES or not takes & {"gzip", "*"}:
        return body, None
    # Without a time in it, so that the same document has the same ETag.
    return gzip.compress(body, compresslevel=5, mtime=0), "gzip"
