"""Where the `type` of a problem document leads: the code in words."""

from html import escape
from typing import Annotated, Any

from litestar import Controller, MediaType, Request, Response, get
from litestar.params import FromPath
from msgspec import Meta, Struct

from app.foundation.errors import TITLES, NotFound


class ErrorCode(Struct):
    """A code of an error. It never changes its meaning."""

    code: Annotated[str, Meta(examples=["asset_not_found"])]
    title: Annotated[str, Meta(examples=["No such asset"])]


class ErrorCodeController(Controller):
    path = "/errors"
    tags = ("errors",)

    @get(operation_id="list_error_codes", summary="List error codes")
    async def list_codes(self) -> list[ErrorCode]:
        """List every code that a problem document may carry."""
        return [ErrorCode(code, title) for code, title in sorted(TITLES.items())]

    @get("/{code:str}", operation_id="get_error_code", summary="Explain an error code")
    async def get_code(
        self, request: Request[Any, Any, Any], code: FromPath[str]
    ) -> Response[ErrorCode | str]:
        """Say what a code means; as a page to browsers."""
        title = TITLES.get(code)
        if title is None:
            raise NotFound("not_found", "There is no such error code.")
        headers = {"Vary": "Accept"}
        if "text/html" in request.headers.get("accept", ""):
            page = _page(code, title)
            return Response(page, media_type=MediaType.HTML, headers=headers)
        return Response(ErrorCode(code, title), headers=headers)


def _page(code: str, title: str) -> str:
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f"<title>{escape(title)}</title>"
        f"<h1>{escape(title)}</h1>"
        f"<p>Code <code>{escape(code)}</code>. The answer's <code>detail</code> says what to do; "
        "its <code>correlation_id</code> finds the request in the logs.</p>"
        "<p><a href=/errors>All codes</a> · <a href=/docs>The API</a></p></html>"
    )
