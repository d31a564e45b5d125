from datetime import UTC, datetime

import pytest

from app.cli import words


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.977 KiB"),
        (22_718_509, "21.7 MiB"),
        (5 * 1024**3, "5 GiB"),
    ],
)
def test_bytes(count: int | None, text: str) -> None:
    assert words.of_bytes(count) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, "-"), (50, "50 ms"), (30_000, "0:30"), (59_600, "1:00"), (3_725_000, "1:02:05")],
)
def test_duration(milliseconds: int | None, text: str) -> None:
    assert words.of_duration(milliseconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (61, "61 s"),
        (200, "3 min 20 s"),
        (7200, "2 h 0 min"),
    ],
)
def test_seconds(seconds: float | None, text: str) -> None:
    assert words.of_seconds(seconds) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        (None, "-"),
        ("2026-05-10T11:59:55Z", "just now"),
        ("2026-05-10T11:59:15Z", "45 s ago"),
        ("2026-05-10T11:18:00Z", "42 min ago"),
        ("2026-05-09T13:00:00Z", "23 h ago"),
        ("2026-05-09T11:00:00Z", "1 day ago"),
        ("2026-05-01T23:30:00-02:00", "2026-05-02"),
    ],
)
def test_ago(then: str | None, text: str) -> None:
    assert words.ago(then, datetime(2026, 5, 10, 12, tzinfo=UTC)) == text
