"""`spool jobs`, `spool retry` and `spool cancel`."""

from collections.abc import Mapping
from datetime import UTC, datetime

from app.cli.api import Api, Json
from app.cli.config import Config
from app.cli.errors import BadUsage, CommandFailed
from app.cli.screen import called_as, line, notes, results, show_json, table
from app.cli.words import NONE, ago, instant, of_seconds

# More running jobs than this an asset never has.
_JOBS_OF_ASSET = 50
_RETRIED: Mapping[str, str] = {"ast": "assets", "job": "jobs", "tsk": "tasks"}


def list_jobs(config: Config, *, state: str | None, limit: int, as_json: bool) -> None:
    with Api.of(config) as api:
        found = api.items("/v1/jobs", limit, state=state)
    if as_json:
        show_json({"items": found})
        return
    if not found:
        line(notes(), "No jobs.")
        return
    now = datetime.now(UTC)
    rows = [
        (
            job["id"],
            job["kind"],
            job["state"],
            ago(job["created_at"], now),
            of_seconds(_took(job, now)),
            job["asset_id"] or NONE,
            (job["error"] or {}).get("message", ""),
        )
        for job in found
    ]
    table(results(), ("id", "kind", "state", "begun", "took", "asset", "error"), rows)


def retry(config: Config, id_: str, *, as_json: bool) -> None:
    """Raises: Refused, when it did not fail; BadUsage, when it is no id of these."""
    collection = _collection(id_, _RETRIED)
    with Api.of(config) as api:
        answer = api.post(f"/v1/{collection}/{id_}/retry")
    if as_json:
        show_json(answer)
    else:
        line(results(), f"{id_} is being tried again.")
        line(notes(), f"Where it is: {called_as()} show {id_}")


def cancel(config: Config, id_: str, *, as_json: bool) -> None:
    """Cancels a job, a task with its job, an upload, or all running jobs of an asset.

    Raises:
        CommandFailed: nothing of it runs.
        Refused: it has ended already.
        BadUsage: it is no id of these.
    """
    collection = _collection(id_, {**_RETRIED, "upl": "uploads"})
    with Api.of(config) as api:
        answers: list[Json]
        if collection == "uploads":
            api.delete(f"/v1/uploads/{id_}")
            answers = [{"id": id_, "state": "cancelled"}]
        elif collection == "assets":
            answers = _cancel_asset(api, id_)
        else:
            answers = [api.post(f"/v1/{collection}/{id_}/cancel")]
    if as_json:
        show_json({"items": answers})
        return
    for answer in answers:
        line(results(), f"{answer['id']} is {answer['state']}.")


def _cancel_asset(api: Api, asset_id: str) -> list[Json]:
    asset = api.get(f"/v1/assets/{asset_id}")
    running = api.items("/v1/jobs", _JOBS_OF_ASSET, asset_id=asset_id, state="running")
    if running:
        return [api.post(f"/v1/jobs/{job['id']}/cancel") for job in running]
    upload = asset.get("upload") or {}
    if upload.get("state") in {"waiting", "uploading"}:
        api.delete(f"/v1/uploads/{upload['id']}")
        return [{"id": upload["id"], "state": "cancelled"}]
    raise CommandFailed(f"Nothing runs for {asset_id}: it is {asset['state']}.")


def _collection(id_: str, known: Mapping[str, str]) -> str:
    prefix = id_.partition("_")[0]
    if prefix not in known:
        forms = ", ".join(f"{each}_…" for each in known)
        raise BadUsage(f"{id_} is no id that this takes: {forms}")
    return known[prefix]


def _took(job: Json, now: datetime) -> float | None:
    begun, ended = instant(job["created_at"]), instant(job["finished_at"])
    return ((ended or now) - begun).total_seconds() if begun else None
