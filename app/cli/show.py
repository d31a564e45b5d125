"""`spool show`: where something is and why, in words."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from rich.console import Console

from app.cli.api import Api, Json
from app.cli.config import Config
from app.cli.errors import BadUsage
from app.cli.follow import flat, seconds_of
from app.cli.screen import line, results, show_json, table
from app.cli.words import NONE, ago, of_bytes, of_duration, of_seconds

Shower = Callable[[Api, Console | None, str], Json]


def show(config: Config, id_: str, *, as_json: bool) -> None:
    """Raises: Refused, when there is no such thing; BadUsage, when it is no id."""
    shower = _SHOWERS.get(id_.partition("_")[0])
    if shower is None:
        forms = ", ".join(f"{prefix}_…" for prefix in _SHOWERS)
        raise BadUsage(f"{id_} is no id that can be shown: {forms}")
    with Api.of(config) as api:
        answer = shower(api, None if as_json else results(), id_)
    if as_json:
        show_json(answer)


def _asset(api: Api, console: Console | None, asset_id: str) -> Json:
    asset = api.get(f"/v1/assets/{asset_id}")
    explanation = api.get(f"/v1/assets/{asset_id}/explain")
    if console is not None:
        line(console, f"{asset['title']}  {asset['state']}", "bold")
        line(console, explanation["summary"])
        _show_explanation(console, explanation)
        _show_picture(console, asset)
    return {**asset, "explanation": explanation}


def _show_explanation(console: Console, explanation: Json) -> None:
    for step in explanation["running"]:
        line(console, f"  now: {step['words']}")
    for step in explanation["waiting"]:
        line(console, f"  then: {step['words']}", "dim")
    error = explanation["error"]
    if error and error["message"] not in explanation["summary"]:
        line(console, f"  why: {error['message']} ({error['code']})")
    if explanation["what_to_do"] and explanation["state"] != "ready":
        line(console, explanation["what_to_do"])


def _show_picture(console: Console, asset: Json) -> None:
    line(console)
    facts = [of_duration(asset["duration_ms"])] if asset["duration_ms"] is not None else []
    if asset["height"]:
        facts.append(f"{asset['width']}x{asset['height']}")
    if asset["source_bytes"]:
        facts.append(of_bytes(asset["source_bytes"]))
    made = f"made {ago(asset['created_at'], datetime.now(UTC))}"
    line(console, ", ".join([*facts, made]))
    for note in (asset["verdict"] or {}).get("notes", []):
        line(console, f"  note: {note['message']}")
    for link in asset["playback_ids"]:
        line(console, f"  {link['policy']}: {link['urls']['watch']}")
    if asset["renditions"]:
        line(console)
        rows = [
            (
                rendition["name"],
                rendition["codecs"],
                f"{rendition['width']}x{rendition['height']}" if rendition["height"] else NONE,
                f"{rendition['average_bandwidth'] / 1000:.0f} kbit/s",
                of_bytes(rendition["size_bytes"]),
                "copied" if rendition["copied"] else "encoded",
            )
            for rendition in asset["renditions"]
        ]
        table(console, ("rendition", "codec", "picture", "rate", "size", ""), rows)


def _job(api: Api, console: Console | None, job_id: str) -> Json:
    job = api.get(f"/v1/jobs/{job_id}")
    if console is not None:
        line(console, f"{job['kind']}  {job['state']}", "bold")
        if job["error"]:
            line(console, f"{job['error']['message']} ({job['error']['code']})")
        line(console, f"asset {job['asset_id'] or NONE}, correlation id {job['correlation_id']}")
        line(console)
        rows = [
            (
                task["id"],
                task["kind"],
                task["state"],
                f"{task['progress']:.0%}",
                f"{task['attempt']} of {task['max_attempts']}",
                of_seconds(seconds_of(task)),
                (task["error"] or {}).get("message", ""),
            )
            for task in flat(job["tasks"])
        ]
        table(console, ("task", "kind", "state", "done", "attempt", "took", "error"), rows)
    return job


def _task(api: Api, console: Console | None, task_id: str) -> Json:
    task = api.get(f"/v1/tasks/{task_id}")
    if console is not None:
        line(console, f"{task['kind']}  {task['state']}", "bold")
        attempt = f"attempt {task['attempt']} of {task['max_attempts']}"
        line(console, f"{task['progress']:.0%} done, {attempt}, job {task['job_id']}")
        if task["worker"]:
            line(console, f"at {task['worker']}")
        if task["error"]:
            line(console, f"{task['error']['message']} ({task['error']['code']})")
        if task["log_tail"]:
            line(console)
            line(console, task["log_tail"], "dim")
    return task


def _upload(api: Api, console: Console | None, upload_id: str) -> Json:
    upload = api.get(f"/v1/uploads/{upload_id}")
    if console is not None:
        line(console, f"{upload['filename']}  {upload['state']}", "bold")
        if upload["error"]:
            line(console, f"{upload['error']['message']} ({upload['error']['code']})")
        if upload["state"] in {"waiting", "uploading"}:
            parts = api.get(f"/v1/uploads/{upload_id}/parts")
            there = sum(part["size_bytes"] for part in parts["items"])
            line(console, f"{of_bytes(there)} of {of_bytes(upload['size_bytes'])} have arrived.")
        line(console, f"asset {upload['asset_id']}")
    return upload


_SHOWERS: Mapping[str, Shower] = {"ast": _asset, "job": _job, "tsk": _task, "upl": _upload}
