"""The folder store over HTTP, for whoever holds a signed link: no other credentials are asked for.

On S3 these requests go to S3 itself, and these routes answer 404.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, head, put, route
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from app.foundation.clock import utc_now
from app.foundation.errors import NotFound
from app.foundation.http.documentation import documented
from app.foundation.http.edge import NO_DEADLINE
from app.foundation.http.transaction import Config, Objects
from app.foundation.signing import UrlSigner
from app.foundation.storage.errors import Incomplete
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.protocols import Store
from app.foundation.storage.served import etag_header, open_signed, receive_object, receive_part

STORE_PATH = "/_store"
Token = Annotated[str, QueryParameter(max_length=4096, description="Is part of the link.")]
_REFUSED = {
    403: ("signature_invalid", "signature_expired"),
    404: ("object_not_found", "upload_not_found"),
}
# Pages on other sites may send parts and read what came of them; the link is the permission.
_ANY_ORIGIN = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "etag, content-range, accept-ranges",
}
_PREFLIGHT = _ANY_ORIGIN | {
    "access-control-allow-methods": "GET, HEAD, PUT, OPTIONS",
    "access-control-allow-headers": "content-type, range, if-none-match, if-range",
    "access-control-max-age": "86400",
}


class StoreController(Controller):
    path = STORE_PATH
    tags = ("store",)
    # Bodies are as large as parts may be: judged by their signature, and sent without a deadline.
    request_max_body_size = None
    opt = {NO_DEADLINE: True}  # noqa: RUF012  # Litestar reads it so

    @put(
        "/parts/{upload_id:str}/{number:int}",
        operation_id="put_part",
        summary="Send a part",
        description="The link comes with the upload. The body has exactly the bytes that it was "
        "signed for; a part that breaks off does not count and may be sent again. The ETag of the "
        "answer is that of the part.",
        responses=documented(_REFUSED | {400: "bad_request", 422: "upload_part_invalid"}),
    )
    async def put_part(
        self,
        request: Request[Any, Any, Any],
        settings: Config,
        store: Objects,
        upload_id: FromPath[str],
        number: FromPath[int],
        token: Token,
    ) -> Response[None]:
        part = await receive_part(
            _folder(store),
            UrlSigner(settings.signing_secrets, settings.signing_key_id),
            upload_id=upload_id,
            number=number,
            token=token,
            body=_body(request),
            content_length=request.content_length,
            now=utc_now(),
        )
        return Response(None, headers=etag_header(part.etag) | _ANY_ORIGIN)

    @put("/objects/{key:path}", include_in_schema=False)
    async def put_object(
        self,
        request: Request[Any, Any, Any],
        settings: Config,
        store: Objects,
        key: FromPath[str],
        token: Token,
    ) -> Response[None]:
        info = await receive_object(
            _folder(store),
            UrlSigner(settings.signing_secrets, settings.signing_key_id),
            key=key.removeprefix("/"),
            token=token,
            body=_body(request),
            content_length=request.content_length,
            now=utc_now(),
        )
        return Response(None, headers=etag_header(info.etag) | _ANY_ORIGIN)

    @get(
        "/objects/{key:path}",
        operation_id="get_object",
        summary="Read an object",
        description="Takes Range, If-Range and If-None-Match.",
        media_type="application/octet-stream",
        responses=documented(_REFUSED | {416: "range_not_satisfiable"}),
    )
    async def get_object(
        self,
        request: Request[Any, Any, Any],
        settings: Config,
        store: Objects,
        key: FromPath[str],
        token: Token,
    ) -> Stream | Response[bytes]:
        answer = await open_signed(
            _folder(store),
            UrlSigner(settings.signing_secrets, settings.signing_key_id),
            key=key.removeprefix("/"),
            token=token,
            now=utc_now(),
            request_headers=request.headers,
        )
        headers = {**answer.headers, **_ANY_ORIGIN, "cache-control": "private, max-age=3600"}
        if answer.status == 304:
            return Response(b"", status_code=304, headers=headers)
        # The type is among the headers: Litestar would let the handler's own come first.
        return Stream(answer.body, status_code=answer.status, headers=headers)

    @head("/objects/{key:path}", include_in_schema=False)
    async def head_object(
        self,
        request: Request[Any, Any, Any],
        settings: Config,
        store: Objects,
        key: FromPath[str],
        token: Token,
    ) -> Response[None]:
        answer = await open_signed(
            _folder(store),
            UrlSigner(settings.signing_secrets, settings.signing_key_id),
            key=key.removeprefix("/"),
            token=token,
            now=utc_now(),
            request_headers=request.headers,
        )
        headers = {**answer.headers, **_ANY_ORIGIN}
        return Response(None, status_code=answer.status, headers=headers)

    @route(
        "/parts/{upload_id:str}/{number:int}",
        http_method=HttpMethod.OPTIONS,
        include_in_schema=False,
    )
    async def ask_for_part(self, upload_id: FromPath[str], number: FromPath[int]) -> Response[None]:  # noqa: ARG002  # of the path
        return Response(None, status_code=204, headers=_PREFLIGHT)

    @route("/objects/{key:path}", http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def ask_for_object(self, key: FromPath[str]) -> Response[None]:  # noqa: ARG002  # of the path
        return Response(None, status_code=204, headers=_PREFLIGHT)


def _folder(store: Store) -> FolderStore:
    """The store, if it is one that this API serves."""
    if not isinstance(store, FolderStore):
        raise NotFound("object_not_found", "The object store is elsewhere.")
    return store


async def _body(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except HTTPException as error:
        raise Incomplete("the client went away") from error
