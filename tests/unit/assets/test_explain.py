from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.assets.explain import describe
from app.assets.models import Asset, AssetState
from app.jobs.models import Task, TaskState

NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"attempt": 2},
            "Encoding the renditions failed at attempt 2 of 4 (Away.). It is tried again in 40 s.",
        ),
        (
            {"attempt": 0, "outage_since": NOW - timedelta(minutes=20)},
            (
                "Encoding the renditions waits since 2026-11-27 12:10 UTC: Away. "
                "It is tried again in 40 s."
            ),
        ),
    ],
)
def test_what_a_task_waits_for_after_a_failure(more: dict[str, Any], words: str) -> None:
    task = Task(
        id="tsk_1",
        kind="encode",
        state=TaskState.RETRY_WAIT,
        max_attempts=4,
        progress=0.0,
        error_code="store_unavailable",
        error_message="Away.",
        run_at=NOW + timedelta(seconds=40),
        **more,
    )
    asset = Asset(id="ast_1", state=AssetState.PROCESSING)
    told = describe(asset, None, [task], since=NOW, now=NOW)
    assert (told.summary, told.what_to_do) == (words, "Wait; it is tried again by itself.")
