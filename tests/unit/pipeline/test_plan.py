from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pipeline.strategies import probe_of, probes, video_track
from workers.pipeline.ladder import Profile, plan_ladder
from workers.pipeline.media import Probe
from workers.pipeline.plan import Plan, evenly, on_keyframes, plan_work

PROFILE = Profile()


def planned(probe: Probe) -> Plan:
    return plan_work(probe, plan_ladder(probe, PROFILE), PROFILE)


@given(probes())
def test_boundaries_rise_from_zero_within_the_video(probe: Probe) -> None:
    plan = planned(probe)
    assert plan.boundaries_ms[0] == 0
    assert all(a < b for a, b in pairwise(plan.boundaries_ms))
    assert plan.boundaries_ms[-1] < probe.duration_ms


@given(probes())
def test_copied_segments_start_on_keyframes_and_stay_short(probe: Probe) -> None:
    plan = planned(probe)
    assert probe.video is not None
    if not plan.uniform:
        assert set(plan.boundaries_ms) <= set(probe.video.keyframe_times_ms)
        ends = (*plan.boundaries_ms[1:], probe.duration_ms)
        lengths = [b - a for a, b in zip(plan.boundaries_ms, ends, strict=True)]
        assert max(lengths) <= 2 * PROFILE.segment_ms


@given(probes())
def test_steps_wait_only_for_steps_before_them(probe: Probe) -> None:
    plan = planned(probe)
    done: set[str] = set()
    for step in plan.steps:
        assert set(step.after) <= done
        assert step.weight > 0
        assert step.timeout_s >= 300
        done.add(step.name)
    assert plan.steps[-1].kind == "publish"
    assert plan.chunks[0].end_ms == probe.duration_ms


@given(probes())
def test_a_plan_survives_a_task_row(probe: Probe) -> None:
    plan = planned(probe)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@given(st.integers(1, 10**8))
def test_even_boundaries_leave_no_sliver(duration_ms: int) -> None:
    boundaries = evenly(duration_ms, 4000)
    assert boundaries == tuple(range(0, len(boundaries) * 4000, 4000))
    last = duration_ms - boundaries[-1]
    assert 0 < last < 4400 or duration_ms < 4000
    assert last >= 400 or len(boundaries) == 1


def test_keyframes_every_two_seconds_and_a_bit_make_segments_of_four() -> None:
    keyframes = tuple(2002 * n for n in range(10))
    assert on_keyframes(keyframes, 20_020, 4000) == (0, 4004, 8008, 12012, 16016)


def test_keyframes_far_apart_are_all_boundaries() -> None:
    assert on_keyframes((0, 7000, 14_000), 20_000, 4000) == (0, 7000, 14_000)


def test_longer_videos_may_take_longer() -> None:
    short = planned(probe_of(video_track(1280, 720), duration_ms=10_000))
    long = planned(probe_of(video_track(1280, 720), duration_ms=3_600_000))
    assert long.steps[0].timeout_s > 10 * short.steps[0].timeout_s
