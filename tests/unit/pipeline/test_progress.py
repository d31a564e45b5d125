from hypothesis import given
from hypothesis import strategies as st

from workers.pipeline.progress import Progress, ProgressReader


def feed(reader: ProgressReader, **block: object) -> Progress:
    found = [reader.feed(f"{key}={value}") for key, value in block.items()]
    assert found[:-1] == [None] * (len(found) - 1)
    assert found[-1] is not None
    return found[-1]


def test_half_of_it_at_twice_the_speed() -> None:
    seen = feed(
        ProgressReader(10_000), frame=150, out_time_us=5_000_000, speed="2.0x", progress="continue"
    )
    assert seen == Progress(fraction=0.5, speed=2.0, eta_s=2.5, frame=150, out_time_ms=5000)


def test_nothing_is_known_at_the_start() -> None:
    seen = feed(ProgressReader(10_000), out_time_us="N/A", speed="N/A", progress="continue")
    assert (seen.fraction, seen.eta_s) == (0, None)


def test_the_end_is_the_end_even_if_the_video_is_shorter_than_promised() -> None:
    seen = feed(ProgressReader(10_000), out_time_us=9_000_000, speed="1x", progress="end")
    assert (seen.fraction, seen.eta_s) == (1, 0)


@given(st.lists(st.integers(-(10**9), 10**12), min_size=1), st.integers(0, 10**8))
def test_progress_never_falls_nor_leaves_its_range(times: list[int], duration_ms: int) -> None:
    reader = ProgressReader(duration_ms)
    seen = [feed(reader, out_time_us=time, progress="continue").fraction for time in times]
    assert seen == sorted(seen)
    assert all(0 <= fraction < 1 for fraction in seen)


@given(st.lists(st.text()))
def test_any_text_is_survived(lines: list[str]) -> None:
    reader = ProgressReader(1000)
    for line in lines:
        reader.feed(line)
