"""Watches the work on a video until it can be played or has failed."""

import time
from collections.abc import Mapping

from app.cli.api import Api, Json
from app.cli.bars import Bar, Bars
from app.cli.words import instant, of_seconds

_POLL_SECONDS = 0.25
# Jobs of an asset, newest last; there are few.
_JOBS = 20
_FINAL = {"ready", "failed", "deleting", "deleted"}
_SUCCEEDED = "succeeded"
# Done when the video can be played already; nobody waits for them.
_AFTERWARDS = {"export", "sweep"}


class Followed:
    """A video that has come to its end.

    Args:
        asset: As `GET /v1/assets/{id}` shows it.
        seconds: How long each kind of task took, by the server's clock.
    """

    def __init__(self, asset: Json, seconds: Mapping[str, float]) -> None:
        self.asset = asset
        self.seconds = seconds

    @property
    def ready(self) -> bool:
        return bool(self.asset["state"] == "ready")


def follow(api: Api, asset_id: str, bars: Bars) -> Followed:
    """Shows a bar for every task of an asset, with what the task itself says of its progress.

    Returns:
        When the asset is ready or has failed, or somebody has deleted it.

    Raises:
        Unreachable, Refused: the server is away for longer than the API's patience.
    """
    shown: dict[str, Bar] = {}
    while True:
        # The asset first: what its tasks say afterwards is at least as new.
        asset = api.get(f"/v1/assets/{asset_id}")
        tasks = tasks_of(api, asset_id)
        for task in tasks:
            if task["kind"] in _AFTERWARDS:
                continue
            _show(task, shown, bars)
        if asset["state"] in _FINAL:
            return Followed(asset, _took(tasks))
        time.sleep(_POLL_SECONDS)


def tasks_of(api: Api, asset_id: str) -> list[Json]:
    """Every task of an asset's jobs, oldest first."""
    jobs = api.items("/v1/jobs", _JOBS, asset_id=asset_id)
    tasks: list[Json] = []
    for job in sorted(jobs, key=lambda job: str(job["id"])):
        tasks.extend(flat(api.get(f"/v1/jobs/{job['id']}")["tasks"]))
    return tasks


def seconds_of(task: Json) -> float | None:
    """From the start of a task's last attempt to its end."""
    began, ended = instant(task.get("started_at")), instant(task.get("finished_at"))
    return (ended - began).total_seconds() if began and ended else None


def flat(tree: list[Json]) -> list[Json]:
    """Tasks of a tree, each before its children."""
    return [one for task in tree for one in (task, *flat(task.get("children", [])))]


def _show(task: Json, shown: dict[str, Bar], bars: Bars) -> None:
    state = task["state"]
    bar = shown.get(task["id"])
    if bar is None:
        bar = shown[task["id"]] = bars.add(task["kind"])
    if state == _SUCCEEDED:
        bar.end("", seconds_of(task))
    elif state in {"dead", "cancelled"}:
        bar.show(task["progress"], f"{state}: {_why(task)}" if task["error"] else state)
    elif state == "retry_wait":
        attempt = f"attempt {task['attempt']} failed, trying again soon"
        bar.show(task["progress"], f"{attempt}: {_why(task)}")
    elif state == "leased":
        eta = task.get("eta_seconds")
        bar.show(task["progress"], f"{of_seconds(eta)} left" if eta else "")


def _why(task: Json) -> str:
    return str((task["error"] or {}).get("message", "for a reason not told"))


def _took(tasks: list[Json]) -> dict[str, float]:
    took: dict[str, float] = {}
    for task in tasks:
        seconds = seconds_of(task)
        counts = task["state"] == _SUCCEEDED and task["kind"] not in _AFTERWARDS
        if seconds is not None and counts:
            took[task["kind"]] = took.get(task["kind"], 0.0) + seconds
    return took
