"""Manifests as they lie in the store, made to point to where their media is delivered.

What lies under a media prefix has relative URIs only. The two documents at the top are answered
from another place than that prefix, so theirs are made absolute; everything below them keeps
working as it is, since relative references keep the base they were found under (RFC 3986, 5.2).
"""

import re
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

HLS = "application/vnd.apple.mpegurl"
DASH = "application/dash+xml"

# An attribute of a tag that holds a URI: EXT-X-MEDIA, EXT-X-I-FRAME-STREAM-INF (RFC 8216, 4.3).
_URI_ATTRIBUTE = re.compile(r'([:,]URI=")([^"]+)(")')
_MPD_START = re.compile(r"<MPD\b[^>]*>")
# ISO/IEC 23009-1 lets nothing but this stand before BaseURL.
_BEFORE_BASE_URL = re.compile(
    r"\s*(?:<ProgramInformation\b.*?</ProgramInformation>\s*)*", re.DOTALL
)


class ManifestBroken(Exception):
    """What lies in the store is no manifest: the publishing checks should have refused it."""


def place_multivariant(playlist: str, base_url: str) -> str:
    """A multivariant playlist (RFC 8216) whose URIs begin with `base_url`.

    Args:
        base_url: Without a slash at its end.

    Raises:
        ManifestBroken: not a playlist.
    """
    if not playlist.startswith("#EXTM3U"):
        raise ManifestBroken("a playlist begins with #EXTM3U")

    def place_attribute(match: re.Match[str]) -> str:
        return match[1] + _place(match[2], base_url) + match[3]

    lines = [
        _URI_ATTRIBUTE.sub(place_attribute, line)
        if line.startswith("#")
        else _place(line, base_url)
        for line in playlist.splitlines()
    ]
    return "\n".join(lines) + "\n"


def place_mpd(mpd: str, base_url: str) -> str:
    """An MPD (ISO/IEC 23009-1) with a BaseURL.

    Args:
        base_url: Without a slash at its end.

    Raises:
        ManifestBroken: not an MPD.
    """
    start = _MPD_START.search(mpd)
    before = _BEFORE_BASE_URL.match(mpd, start.end()) if start else None
    if start is None or before is None:
        raise ManifestBroken("no MPD element")
    at = before.end()
    return f"{mpd[:at]}<BaseURL>{escape(base_url)}/</BaseURL>{mpd[at:]}"


def _place(uri: str, base_url: str) -> str:
    uri = uri.strip()
    if not uri or urlsplit(uri).scheme or uri.startswith("/"):
        return uri
    return f"{base_url}/{uri}"
