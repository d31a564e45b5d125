import m3u8
import pytest

from app.playback.manifests import ManifestBroken, place_mpd, place_multivariant

MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="a,URI=x",DEFAULT=YES,URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=800000,CODECS="avc1.64001e,mp4a.40.2",AUDIO="audio"
360p/index.m3u8

#EXT-X-STREAM-INF:BANDWIDTH=1
https://elsewhere.example/index.m3u8
"""


def test_every_relative_uri_of_a_playlist_is_placed() -> None:
    placed = m3u8.loads(place_multivariant(MASTER, "/media/grant/a"))
    assert [p.uri for p in placed.playlists] == [
        "/media/grant/a/360p/index.m3u8",
        "https://elsewhere.example/index.m3u8",
    ]
    assert placed.media[0].uri == "/media/grant/a/audio/index.m3u8"


def test_what_is_not_a_uri_stays() -> None:
    changed = set(place_multivariant(MASTER, "/m").splitlines()) ^ set(MASTER.splitlines())
    assert len(changed) == 4  # two lines, before and after


@pytest.mark.parametrize(
    "before", ["", "\n  ", "<ProgramInformation><Title>t</Title></ProgramInformation>"]
)
def test_an_mpd_gets_its_base_url_where_the_schema_has_it(before: str) -> None:
    mpd = f'<?xml version="1.0"?>\n<MPD xmlns="urn:x" type="static">{before}<Period/></MPD>'
    placed = place_mpd(mpd, "/media/a&b")
    assert f"{before}<BaseURL>/media/a&amp;b/</BaseURL><Period/>" in placed


@pytest.mark.parametrize("text", ["", "<html></html>", "#EXT"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestBroken):
        place_multivariant(text, "/m")
    with pytest.raises(ManifestBroken):
        place_mpd(text, "/m")
