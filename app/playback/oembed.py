"""oEmbed 1.0: a link to a player page becomes an iframe."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from app.foundation.errors import NotFound, SpoolError
from app.playback.pages import render
from app.playback.schemas import OEmbed, PlaybackUrls
from app.playback.viewing import Viewing

_PAGE = re.compile(r"/(?:watch|embed)/(?P<playback_id>[0-9a-z]{1,64})/?")
_WIDE = (640, 360)


class FormatNotOffered(SpoolError):
    """The status that section 2.3.5 asks for."""

    status = 501


@dataclass(frozen=True, slots=True)
class PageLink:
    playback_id: str
    token: str | None


def parse_page_link(url: str, hosts: frozenset[str]) -> PageLink:
    """What a link to one of our pages opens.

    Args:
        hosts: Names and ports (`example.org:8000`) we are reached by.

    Raises:
        NotFound: not_found; a link to somewhere else.
    """
    try:
        link = urlsplit(url)
    except ValueError:
        link = urlsplit("")
    page = _PAGE.fullmatch(link.path)
    if page is None or link.scheme not in {"http", "https"} or link.netloc not in hosts:
        raise NotFound("not_found", "The url is not that of a player page here.")
    tokens = parse_qs(link.query).get("token")
    return PageLink(page["playback_id"], tokens[0] if tokens else None)


def describe(
    viewing: Viewing, public_url: str, *, max_width: int | None, max_height: int | None
) -> OEmbed:
    """The embed of a video, at most as large as asked for and in the video's proportions."""
    width, height = _fit(viewing, max_width, max_height)
    urls = PlaybackUrls.of(viewing.playback_id, public_url, viewing.token)
    return OEmbed(
        version="1.0",
        type="video",
        title=viewing.title,
        provider_name="Spool",
        provider_url=public_url,
        width=width,
        height=height,
        html=render(
            "iframe", src=urls.embed, title=viewing.title, width=str(width), height=str(height)
        ),
        thumbnail_url=urls.poster,
        thumbnail_width=viewing.width or width,
        thumbnail_height=viewing.height or height,
    )


def _fit(viewing: Viewing, max_width: int | None, max_height: int | None) -> tuple[int, int]:
    wide, high = (viewing.width or _WIDE[0]), (viewing.height or _WIDE[1])
    limits = (max_width or _WIDE[0]) / wide, (max_height or max(_WIDE)) / high
    scale = min(limits)
    return max(1, round(wide * scale)), max(1, round(high * scale))
