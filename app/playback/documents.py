"""Answers that hand out grants: manifests and playlists."""

import hashlib
from typing import Any

from litestar import Request, Response
from litestar.datastructures import Cookie

from app.playback.delivery import Audience, Grant
from app.playback.objects import matches
from app.playback.viewing import Viewing


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
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": cache_control(viewing, grant)}
    # On 304 as well: what the document leads to may have outlived the cookies.
    cookies = cookies_of(grant)
    if matches(request.headers.get("if-none-match"), etag):
        return Response(b"", status_code=304, headers=headers, cookies=cookies)
    return Response(body, headers=headers, cookies=cookies, media_type=media_type)
