"""Figures in the form people read them."""

from datetime import UTC, datetime

NONE = "-"


def of_bytes(count: float | None) -> str:
    """Bytes in binary units with three digits: `1.53 GiB`."""
    if count is None:
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1000 or unit == "GiB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1024
    raise AssertionError  # GiB has returned


def of_duration(milliseconds: int | None) -> str:
    """Length of a video: `0:30`, `1:02:05`; below a second `50 ms`."""
    if milliseconds is None:
        return NONE
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def of_seconds(seconds: float | None) -> str:
    """A span of time: `0.4 s`, `12 s`, `3 min 20 s`."""
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def instant(text: str | None) -> datetime | None:
    """RFC 3339 text of the API as a time."""
    return None if text is None else datetime.fromisoformat(text)


def ago(text: str | None, now: datetime) -> str:
    """How long ago a time of the API is: `just now`, `5 min ago`, `2026-05-01`."""
    then = instant(text)
    if then is None:
        return NONE
    seconds = (now - then).total_seconds()
    if seconds < 10:
        return "just now"
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size:.0f} {unit} ago"
    if seconds < 7 * 86400:
        days = int(seconds // 86400)
        return f"{days} day{'s' if days > 1 else ''} ago"
    return then.astimezone(UTC).date().isoformat()
