"""Pages for people: the player, alone in an iframe or with a title, and oEmbed."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from litestar import Controller, Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from app.foundation.errors import SpoolError
from app.foundation.http.documentation import documented
from app.foundation.http.transaction import Config
from app.foundation.telemetry.correlation import current_correlation_id
from app.playback.delivery import Audience
from app.playback.dependencies import DEPENDENCIES, REFUSED, Deliverer, Opened, Opener
from app.playback.oembed import FormatNotOffered, describe, parse_page_link
from app.playback.pages import embed_page, refused_page, watch_page
from app.playback.schemas import OEmbed

_HTML = "text/html"
_REFUSED_IN_WORDS = {
    status: ResponseSpec(str, generate_examples=False, description=words, media_type=_HTML)
    for status, words in (
        (401, "A page that says that a token is needed."),
        (403, "A page that says that the token is not right, or has expired."),
        (404, "A page that says that there is no such video, or no longer."),
    )
}
Pixels = Annotated[int | None, QueryParameter(ge=1, le=10_000, required=False)]


def _policy(frame_ancestors: str, media: str) -> str:
    """A Content-Security-Policy that lets a page have what is ours, and hls.js its worker.

    Args:
        media: The origin of media where it is another one.
    """
    own = f"'self' {media}".strip()
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {own}; "
        f"media-src {own} blob:; connect-src {own}; worker-src blob:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frame_ancestors}"
    )


def _headers(frame_ancestors: str, audience: Audience, media: str = "") -> dict[str, str]:
    return {
        "Content-Security-Policy": _policy(frame_ancestors, media),
        "X-Content-Type-Options": "nosniff",
        # The address may hold a token.
        "Referrer-Policy": "strict-origin",
        "Cache-Control": f"{audience.value}, no-cache",
    }


def _say_it_in_html(request: Request[Any, Any, Any], error: SpoolError) -> Response[str]:
    ancestors = "*" if request.url.path.startswith("/embed/") else "'none'"
    return Response(
        refused_page(error, current_correlation_id()),
        status_code=error.status,
        headers=_headers(ancestors, Audience.VIEWER) | error.headers,
        media_type=_HTML,
    )


class PageController(Controller):
    tags = ("playback",)
    dependencies = DEPENDENCIES
    exception_handlers = {SpoolError: _say_it_in_html}  # noqa: RUF012  # Litestar reads it so

    @get(
        "/watch/{playback_id:str}",
        operation_id="watch",
        summary="Player page",
        description="Plays the video; while it is being processed, shows how far that is and "
        "starts by itself.",
        media_type=_HTML,
        responses=_REFUSED_IN_WORDS,
    )
    async def watch(self, viewing: Opened, delivery: Deliverer, settings: Config) -> Response[str]:
        page = watch_page(viewing, settings.public_url, cookies=delivery.sets_cookies)
        headers = _headers("'none'", viewing.audience, delivery.origin)
        return Response(page, headers=headers, media_type=_HTML)

    @get(
        "/embed/{playback_id:str}",
        operation_id="embed",
        summary="Player for an iframe",
        description="As the player page, with nothing around the picture; any site may frame it.",
        media_type=_HTML,
        responses=_REFUSED_IN_WORDS,
    )
    async def embed(self, viewing: Opened, delivery: Deliverer) -> Response[str]:
        page = embed_page(viewing)
        headers = _headers("*", viewing.audience, delivery.origin)
        return Response(page, headers=headers, media_type=_HTML)


class OEmbedController(Controller):
    tags = ("playback",)
    dependencies = DEPENDENCIES

    @get(
        "/oembed",
        operation_id="oembed",
        summary="oEmbed",
        description="Turns a link to a player page into an iframe (oEmbed 1.0, JSON).",
        responses=REFUSED | documented({501: "not_acceptable"}),
    )
    async def describe(
        self,
        request: Request[Any, Any, Any],
        viewings: Opener,
        settings: Config,
        url: Annotated[
            str,
            QueryParameter(
                description="Address of a player page, with its token if it has one.",
                max_length=2048,
            ),
        ],
        maxwidth: Pixels = None,
        maxheight: Pixels = None,
        format_: Annotated[str, QueryParameter(name="format", description="json")] = "json",
    ) -> Response[OEmbed]:
        if format_ != "json":
            raise FormatNotOffered("not_acceptable", "There is oEmbed as JSON only.")
        hosts = frozenset({urlsplit(settings.public_url).netloc, request.url.netloc})
        link = parse_page_link(url, hosts)
        viewing = await viewings.open(link.playback_id, link.token)
        body = describe(viewing, settings.public_url, max_width=maxwidth, max_height=maxheight)
        return Response(body, headers={"Access-Control-Allow-Origin": "*"})
