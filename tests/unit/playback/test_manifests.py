from xml.etree import ElementTree

import m3u8
import pytest

from app.playback.delivery import Grant
from app.playback.manifests import ManifestBroken, place_mpd, place_playlist

MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="a,URI=x",DEFAULT=YES,URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="audio"
360p/index.m3u8

#EXT-X-STREAM-INF:BANDWIDTH=1
https://elsewhere.example/index.m3u8
"""


def test_every_relative_uri_of_a_playlist_is_placed() -> None:
    placed = m3u8.loads(place_playlist(MASTER, Grant("/media/grant/a").url))
    assert [p.uri for p in placed.playlists] == [
        "/media/grant/a/360p/index.m3u8",
        "https://elsewhere.example/index.m3u8",
    ]
    assert placed.media[0].uri == "/media/grant/a/audio/index.m3u8"


def test_what_is_not_a_uri_stays() -> None:
    changed = set(place_playlist(MASTER, Grant("/m").url).splitlines()) ^ set(MASTER.splitlines())
    assert len(changed) == 4  # two lines, before and after


@pytest.mark.parametrize(
    "before", ["", "\n  ", "<ProgramInformation><Title>t</Title></ProgramInformation>"]
)
def test_an_mpd_gets_its_base_url_where_the_schema_has_it(before: str) -> None:
    mpd = f'<?xml version="1.0"?>\n<MPD xmlns="urn:x" type="static">{before}<Period/></MPD>'
    placed = place_mpd(mpd, Grant("/media/a&b"))
    assert f"{before}<BaseURL>/media/a&amp;b/</BaseURL><Period/>" in placed


def test_every_uri_of_a_media_playlist_carries_the_query() -> None:
    grant = Grant("https://cdn.example/a", query="Policy=p~&Key-Pair-Id=K")
    text = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2,\nseg_1.m4s\n#EXT-X-ENDLIST\n'
    placed = m3u8.loads(place_playlist(text, lambda uri: grant.url(f"360p/{uri}")))
    assert not grant.carries_over
    query = "?Policy=p~&Key-Pair-Id=K"
    assert placed.segment_map[0].uri == f"https://cdn.example/a/360p/init.mp4{query}"
    assert placed.segments[0].uri == f"https://cdn.example/a/360p/seg_1.m4s{query}"


def test_the_templates_of_an_mpd_carry_the_query() -> None:
    grant = Grant("https://cdn.example/a", query="A=$1&B=2")
    mpd = (
        '<MPD mediaPresentationDuration="PT1S"><Period><SegmentTemplate timescale="1" '
        'initialization="$RepresentationID$/init.mp4" media="$Number%05d$.m4s"/></Period></MPD>'
    )
    root = ElementTree.fromstring(place_mpd(mpd, grant))  # noqa: S314  # our own text
    template = root.find(".//SegmentTemplate")
    assert root.findtext("BaseURL") == "https://cdn.example/a/"
    assert template is not None
    assert template.attrib == {
        "timescale": "1",
        "initialization": "$RepresentationID$/init.mp4?A=$$1&B=2",
        "media": "$Number%05d$.m4s?A=$$1&B=2",
    }


@pytest.mark.parametrize("text", ["", "<html></html>", "#EXT"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestBroken):
        place_playlist(text, Grant("/m").url)
    with pytest.raises(ManifestBroken):
        place_mpd(text, Grant("/m"))
