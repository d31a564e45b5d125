"""One figure for the work on a video."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.assets.progress import overall
from app.jobs.models import TaskState

STEPS = ["ingest", "probe", "encode", "package", "images", "verify", "publish"]


@dataclass
class Task:
    kind: str
    state: TaskState = TaskState.READY
    progress: float = 0.0
    eta_seconds: float | None = None


def fraction(*tasks: Task) -> float:
    progress = overall(tasks)
    assert progress is not None
    return progress.fraction


def test_it_does_not_fall_when_the_plan_adds_steps() -> None:
    done = [Task("ingest", TaskState.SUCCEEDED)]
    figures = [fraction(*done)]
    for step in STEPS[1:]:
        figures.append(fraction(*done, Task(step)))
        figures.append(fraction(*done, Task(step, TaskState.LEASED, 0.5)))
        done.append(Task(step, TaskState.SUCCEEDED))
        figures.append(fraction(*done))
    assert figures == sorted(figures)
    assert figures[-1] == pytest.approx(1.0)


def test_a_job_that_begins_later_counts_what_was_done_before() -> None:
    assert fraction(Task("probe")) == pytest.approx(0.03)
    assert fraction(Task("ingest", TaskState.SUCCEEDED)) == pytest.approx(0.03)


def test_several_encodes_share_the_encodes_part() -> None:
    before = [Task("ingest", TaskState.SUCCEEDED), Task("probe", TaskState.SUCCEEDED)]
    halves = [Task("encode", TaskState.SUCCEEDED), Task("encode", TaskState.LEASED, 0.0, 9.0)]
    assert fraction(*before, *halves) == pytest.approx(0.45)


def test_what_runs_says_how_long() -> None:
    progress = overall([Task("images", TaskState.LEASED), Task("encode", TaskState.LEASED, 0.1, 9)])
    assert progress is not None
    assert (progress.step, progress.eta_seconds) == ("encode", 9)


def test_other_work_has_no_progress() -> None:
    assert overall([]) is None
    assert overall([Task("delete")]) is None


@given(
    st.lists(
        st.builds(
            Task,
            st.sampled_from([*STEPS, "export"]),
            st.sampled_from(TaskState),
            st.floats(-1, 2),
            st.none(),
        )
    )
)
def test_it_lies_between_nothing_and_all(tasks: list[Task]) -> None:
    progress = overall(tasks)
    assert progress is None or 0.0 <= progress.fraction <= 1.0
