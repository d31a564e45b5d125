from xml.etree import ElementTree as Xml

import m3u8
from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline import dash, hls
from workers.pipeline.ladder import Rung
from workers.pipeline.media import Rational
from workers.pipeline.mp4 import Fragment, Track
from workers.pipeline.renditions import of_picture
from workers.pipeline.segments import Segment, SlicedTrack, group_fragments
from workers.pipeline.track_header import TrackHeader

HEADER = TrackHeader(handler="vide", timescale=1000, codecs="avc1.64001f", width=64, height=36)


def fragments(*lengths: int) -> tuple[Fragment, ...]:
    starts = [sum(lengths[:n]) for n in range(len(lengths))]
    return tuple(
        Fragment(n, 1, start, start, length, 1, starts_with_sync=True)
        for n, (start, length) in enumerate(zip(starts, lengths, strict=True))
    )


def starts(boundaries: list[int], *lengths: int) -> list[int]:
    track = Track(HEADER, 0, 0, fragments(*lengths))
    return [group[0].start for group in group_fragments(track, boundaries)]


def test_fragments_go_to_the_nearest_boundary() -> None:
    assert starts([0, 4000], *[500] * 16) == [0, 4000]
    assert starts([0, 4000], *[512] * 16) == [0, 4096]
    assert starts([0, 4004, 8008], 2002, 2002, 2002, 2002, 1000) == [0, 4004, 8008]


def test_a_boundary_no_fragment_starts_at_is_left_out() -> None:
    assert starts([0, 4000, 8000, 12_000], 4000, 9000, 3000) == [0, 4000, 13_000]


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=60), st.integers(500, 8000))
def test_no_fragment_is_lost_or_moved(lengths: list[int], step: int) -> None:
    track = Track(HEADER, 0, 0, fragments(*lengths))
    groups = group_fragments(track, range(0, sum(lengths), step))
    assert [f for group in groups for f in group] == list(track.fragments)


def sliced(*segments: tuple[int, int]) -> SlicedTrack:
    made, at = [], 0
    for number, (duration, size) in enumerate(segments, 1):
        made.append(Segment(f"seg_{number:05d}.m4s", at, duration, size))
        at += duration
    return SlicedTrack(HEADER, 100, tuple(made))


def test_the_peak_does_not_count_a_short_tail() -> None:
    track = sliced((4000, 500_000), (4000, 1_000_000), (100, 100_000))
    assert track.peak_bit_rate() == 2_000_000
    assert track.average_bit_rate() == round(1_600_000 * 8 / 8.1)


def test_playlist_and_manifest_tell_the_same() -> None:
    track = sliced((4004, 100), (4004, 100), (3003, 100), (1001, 100))
    playlist = m3u8.loads(hls.media_playlist(track, hls.target_duration([track])))
    assert [s.duration for s in playlist.segments] == [4.004, 4.004, 3.003, 1.001]
    assert playlist.target_duration == 5
    assert playlist.is_endlist
    rung = Rung(name="36p", width=64, height=36, crf=22, max_bit_rate=1)
    rate = Rational(30000, 1001)
    written = dash.manifest([(of_picture(rung, rate, track), track)], rate)
    root = Xml.fromstring(written)  # noqa: S314  # written by the line above
    entries = [dict(s.attrib) for s in root.iter(f"{{{dash.NAMESPACE}}}S")]
    assert entries == [{"t": "0", "d": "4004", "r": "1"}, {"d": "3003"}, {"d": "1001"}]
