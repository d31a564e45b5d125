"""Manifests as they lie in the store, made to point to where their media is delivered.

What lies under a media prefix has relative URIs only. The documents at the top are answered from
another place than that prefix, so theirs are made absolute; what is below them keeps working as it
is, since relative references keep the base they were found under (RFC 3986, 5.2). They do not keep
its query: where a query is the permission, media playlists are answered by the API too, and every
URI in them carries it.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from app.playback.delivery import Grant

HLS = "application/vnd.apple.mpegurl"
DASH = "application/dash+xml"

# An attribute of a tag that holds a URI: EXT-X-MEDIA, EXT-X-I-FRAME-STREAM-INF (RFC 8216, 4.3).
_URI_ATTRIBUTE = re.compile(r'([:,]URI=")([^"]+)(")')
# What addresses segments in an MPD of ours.
_TEMPLATE = re.compile(r"<SegmentTemplate\b[^>]*>")
_TEMPLATE_URI = re.compile(r'(\s(?:initialization|media)=")([^"]*)"')
_MPD_START = re.compile(r"<MPD\b[^>]*>")
# ISO/IEC 23009-1 lets nothing but this stand before BaseURL.
_BEFORE_BASE_URL = re.compile(
    r"\s*(?:<ProgramInformation\b.*?</ProgramInformation>\s*)*", re.DOTALL
)


class ManifestBroken(Exception):
    """What lies in the store is no manifest: the publishing checks should have refused it."""


def place_playlist(playlist: str, place: Callable[[str], str]) -> str:
    """A playlist (RFC 8216), multivariant or of media, with its relative URIs placed.

    Args:
        place: Gives the address for a relative URI.

    Raises:
        ManifestBroken: not a playlist.
    """
    if not playlist.startswith("#EXTM3U"):
        raise ManifestBroken("a playlist begins with #EXTM3U")

    def place_attribute(match: re.Match[str]) -> str:
        return match[1] + _placed(match[2], place) + match[3]

    lines = [
        _URI_ATTRIBUTE.sub(place_attribute, line) if line.startswith("#") else _placed(line, place)
        for line in playlist.splitlines()
    ]
    return "\n".join(lines) + "\n"


def place_mpd(mpd: str, grant: Grant) -> str:
    """An MPD (ISO/IEC 23009-1) with a BaseURL, and the grant's query in its templates.

    Raises:
        ManifestBroken: not an MPD.
    """
    start = _MPD_START.search(mpd)
    before = _BEFORE_BASE_URL.match(mpd, start.end()) if start else None
    if start is None or before is None:
        raise ManifestBroken("no MPD element")
    at = before.end()
    if grant.query:
        # `$` is what templates replace; in a query it would have to be doubled.
        query = escape("?" + grant.query.replace("$", "$$"), {'"': "&quot;"})

        def sign(template: re.Match[str]) -> str:
            return _TEMPLATE_URI.sub(lambda match: match[1] + match[2] + query + '"', template[0])

        mpd = mpd[:at] + _TEMPLATE.sub(sign, mpd[at:])
    return f"{mpd[:at]}<BaseURL>{escape(grant.base_url)}/</BaseURL>{mpd[at:]}"


def _placed(uri: str, place: Callable[[str], str]) -> str:
    uri = uri.strip()
    if not uri or urlsplit(uri).scheme or uri.startswith("/"):
        return uri
    return place(uri)
