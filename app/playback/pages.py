"""Pages of the player, as HTML. Every value is escaped on its way in; there is no way around it."""

import html
from functools import cache
from importlib.resources import files
from string import Template
from urllib.parse import urlencode

from app.foundation.errors import SpoolError
from app.playback.schemas import PlaybackUrls
from app.playback.viewing import Viewing


class Markup(str):
    """HTML made here, which goes into a page as it is."""

    __slots__ = ()


def render(name: str, **values: str) -> Markup:
    """The template of this name with the values in it, escaped for text and quoted attributes."""
    safe = {
        key: value if isinstance(value, Markup) else html.escape(value, quote=True)
        for key, value in values.items()
    }
    return Markup(_template(name).substitute(safe))


@cache
def _template(name: str) -> Template:
    return Template((files(__package__) / "templates" / f"{name}.html").read_text("utf-8"))


def watch_page(viewing: Viewing, public_url: str, *, cookies: bool) -> str:
    """The page with a title around the player.

    Args:
        cookies: Whether the player asks for its grants as cookies.
    """
    urls = PlaybackUrls.of(viewing.playback_id, public_url, viewing.token)
    has_poster = any(image.kind == "poster" for image in viewing.images)
    return render(
        "watch",
        title=viewing.title,
        oembed=f"{public_url}/oembed?{urlencode({'url': urls.watch})}",
        og_image=urls.poster if has_poster else "",
        player=_player(viewing, cookies=cookies),
        facts=_facts(viewing),
    )


def embed_page(viewing: Viewing) -> str:
    # Within the page of another site, browsers withhold cookies.
    return render("embed", title=viewing.title, player=_player(viewing, cookies=False))


def refused_page(error: SpoolError, correlation_id: str) -> str:
    return render(
        "refused",
        title=error.title,
        detail=error.detail,
        facts=f"{error.status} · {correlation_id}",
    )


def _player(viewing: Viewing, *, cookies: bool) -> Markup:
    # Without the host: the page then works behind every name this API is reached by.
    urls = PlaybackUrls.of(viewing.playback_id, "", viewing.token)
    asking = ("&cookies=true" if viewing.token else "?cookies=true") if cookies else ""
    return render(
        "player",
        title=viewing.title,
        manifest=urls.hls + asking,
        status=urls.status,
        poster=urls.poster,
        storyboard=urls.storyboard + asking,
        credentials="include" if cookies else "same-origin",
    )


def _facts(viewing: Viewing) -> str:
    facts = []
    if viewing.duration_ms is not None:
        minutes, seconds = divmod(round(viewing.duration_ms / 1000), 60)
        hours, minutes = divmod(minutes, 60)
        facts.append(f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}")
    if viewing.width and viewing.height:
        facts.append(f"{viewing.width} \N{MULTIPLICATION SIGN} {viewing.height}")
    return " · ".join(facts)
