import msgspec
import pytest
from hypothesis import given

from tests.unit.pipeline.strategies import audio_track, probe_of, probes, video_track
from workers.pipeline.ladder import Ladder, Profile, plan_ladder
from workers.pipeline.media import Probe, Rational

PROFILE = Profile()


def sizes(probe: Probe) -> list[tuple[int, int]]:
    return [(rung.width, rung.height) for rung in plan_ladder(probe, PROFILE).rungs]


@given(probes())
def test_no_rung_is_odd_or_larger_than_the_source(probe: Probe) -> None:
    assert probe.video is not None
    for width, height in sizes(probe):
        assert width % 2 == height % 2 == 0
        assert 2 <= width <= max(2, probe.video.width)
        assert 2 <= height <= max(2, probe.video.height)


@given(probes())
def test_rungs_fall_and_have_names_of_their_own(probe: Probe) -> None:
    rungs = plan_ladder(probe, PROFILE).rungs
    assert rungs
    areas = [rung.width * rung.height for rung in rungs]
    assert areas == sorted(areas, reverse=True)
    assert len({rung.name for rung in rungs}) == len(rungs)
    rates = [rung.max_bit_rate for rung in rungs]
    assert rates == sorted(rates, reverse=True)


@given(probes())
def test_only_the_top_rung_is_ever_copied(probe: Probe) -> None:
    rungs = plan_ladder(probe, PROFILE).rungs
    assert not any(rung.copied for rung in rungs[1:])


@given(probes())
def test_a_ladder_survives_a_task_row(probe: Probe) -> None:
    ladder = plan_ladder(probe, PROFILE)
    assert msgspec.json.decode(msgspec.json.encode(ladder), type=Ladder) == ladder
    assert msgspec.json.decode(msgspec.json.encode(probe), type=Probe) == probe


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), [(1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240)]),
        ((3840, 2160), [(1920, 1080), (1280, 720), (854, 480), (640, 360), (426, 240)]),
        ((1080, 1920), [(1080, 1920), (720, 1280), (480, 854), (360, 640), (240, 426)]),
        ((1024, 576), [(1024, 576), (854, 480), (640, 360), (426, 240)]),
        ((640, 490), [(640, 490), (470, 360), (314, 240)]),
        ((1920, 800), [(1920, 800), (1728, 720), (1152, 480), (864, 360), (576, 240)]),
        ((320, 180), [(320, 180)]),
        ((321, 241), [(320, 240)]),
        ((16, 16), [(16, 16)]),
        ((1, 1), [(2, 2)]),
        ((8000, 400), [(4080, 204)]),
    ],
)
def test_ladders_of_common_sources(size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    assert sizes(probe_of(video_track(*size))) == expected


def copied(**changes: object) -> bool:
    demuxer = str(changes.pop("demuxer", "mov"))
    facts = {"keyframes": (0, 4000, 8000), **changes}
    video = video_track(1280, 720, **facts)  # type: ignore[arg-type]  # named in each case
    return plan_ladder(probe_of(video, demuxer=demuxer), PROFILE).rungs[0].copied


def test_a_source_that_is_a_rendition_is_copied() -> None:
    assert copied()
    assert copied(bit_rate=4_000_000)
    assert copied(demuxer="matroska")


@pytest.mark.parametrize(
    "change",
    [
        {"codec": "hevc"},
        {"profile": "High 10"},
        {"pix_fmt": "yuv422p"},
        {"rotation": 90},
        {"sample_aspect_ratio": Rational(4, 3)},
        {"interlaced": True},
        {"variable_frame_rate": True},
        {"closed_gop": False},
        {"keyframes": (0, 9000)},
        {"keyframes": (40, 4000)},
        {"keyframes": ()},
        {"keyframes_complete": False},
        {"bit_rate": 9_000_000},
        {"rate": (120, 1)},
        {"hdr": True},
        {"demuxer": "mpegts"},
    ],
)
def test_one_flaw_and_it_is_encoded(change: dict[str, object]) -> None:
    assert not copied(**change)


def test_sound_is_copied_only_when_it_is_what_players_want() -> None:
    def rung(probe: Probe) -> tuple[bool, int]:
        audio = plan_ladder(probe, PROFILE).audio
        assert audio is not None
        return audio.copied, audio.channels

    video = video_track(640, 360)
    assert rung(probe_of(video, audio_track())) == (True, 2)
    assert rung(probe_of(video, audio_track(codec="opus"))) == (False, 2)
    assert rung(probe_of(video, audio_track(channels=6))) == (False, 2)
    assert rung(probe_of(video, audio_track(channels=1))) == (True, 1)
    assert rung(probe_of(video, audio_track(start_ms=500))) == (False, 2)
    assert rung(probe_of(video, audio_track(), demuxer="matroska")) == (False, 2)


def test_without_picture_there_is_sound_alone() -> None:
    ladder = plan_ladder(probe_of(None, audio_track()), PROFILE)
    assert (ladder.rungs, ladder.frame_rate) == ((), None)
    assert ladder.audio is not None


def test_the_default_track_is_the_one_that_is_heard() -> None:
    commentary = msgspec.structs.replace(audio_track(), index=1, default=False)
    main = msgspec.structs.replace(audio_track(), index=2, default=True)
    audio = plan_ladder(probe_of(None, commentary, main), PROFILE).audio
    assert audio is not None
    assert audio.index == 2


def test_a_size_of_its_own_has_no_less_than_the_rung_below() -> None:
    rungs = plan_ladder(probe_of(video_track(width=800, height=800)), PROFILE).rungs
    assert [rung.name for rung in rungs[:2]] == ["800p", "720p"]
    assert rungs[0].max_bit_rate >= rungs[1].max_bit_rate
