"""Jobs, tasks and dead letters over HTTP."""

from typing import Any

import pytest
from sqlalchemy import update

from app.assets.states import fail_asset
from app.jobs import control
from app.jobs import service as jobs
from app.jobs.models import Job, JobState, Task, TaskState
from app.jobs.service import NewTask
from app.uploads.completion import finish_verification
from tests.conftest import add_project
from tests.integration.api.live import Live


async def processing(live: Live, *tasks: NewTask) -> tuple[str, str, dict[str, str]]:
    """An asset that is processed by a job of these tasks: its id, the job's and the tasks'."""
    upload = await live.upload(b"x")
    async with live.database.project(live.project_id) as tx:
        await tx.execute(update(Task).values(state=TaskState.SUCCEEDED))
        await tx.execute(update(Job).values(state=JobState.SUCCEEDED))
        assert await finish_verification(tx, upload["id"], sha256=None, size=1)
        job = await jobs.create_job(
            tx, project_id=live.project_id, kind="process", asset_id=upload["asset_id"]
        )
        ids = await jobs.submit(tx, job, tasks)
    return upload["asset_id"], job.id, ids


async def die(live: Live, asset_id: str, job_id: str, task_id: str) -> None:
    """What is in the rows once a task has run out of attempts."""
    async with live.database.project(live.project_id) as tx:
        await tx.execute(
            update(Task)
            .where(Task.id == task_id)
            .values(
                state=TaskState.DEAD,
                error_code="disk_full",
                error_message="The disk was full.",
                log_tail="No space left on device",
                attempt=5,
            )
        )
        job = await jobs.lock_job(tx, job_id)
        await control.end_job(tx, job, JobState.FAILED, "disk_full", "The disk was full.")
        await fail_asset(tx, asset_id, "disk_full", "The disk was full.")


async def state_of(live: Live, asset_id: str) -> Any:
    return (await live.client.get(f"/v1/assets/{asset_id}")).json()["state"]


async def test_a_job_with_its_tasks_as_a_tree(live: Live) -> None:
    _, job_id, ids = await processing(
        live, NewTask("probe"), NewTask("encode", after=["probe"]), NewTask("images")
    )
    async with live.database.project(live.project_id) as tx:
        job = await jobs.get_job(tx, job_id)
        children = await jobs.submit(
            tx, job, [NewTask("package", after=[ids["encode"]])], parent_id=ids["probe"]
        )
    found = (await live.client.get(f"/v1/jobs/{job_id}")).json()
    assert (found["kind"], found["state"]) == ("process", "running")
    tasks = {task["kind"]: task for task in found["tasks"]}
    assert list(tasks) == ["probe", "encode", "images"]
    assert tasks["encode"]["after"] == [ids["probe"]]
    assert (tasks["encode"]["state"], tasks["encode"]["blockers"]) == ("pending", 1)
    [child] = tasks["probe"]["children"]
    assert (child["id"], child["after"]) == (children["package"], [ids["encode"]])


async def test_jobs_are_listed_newest_first_page_by_page(live: Live) -> None:
    asset_id, job_id, _ = await processing(live, NewTask("probe"))
    first = (await live.client.get("/v1/jobs?limit=1")).json()
    assert [job["id"] for job in first["items"]] == [job_id]
    rest = (await live.client.get(f"/v1/jobs?limit=1&cursor={first['next_cursor']}")).json()
    assert [job["kind"] for job in rest["items"]] == ["ingest"]
    assert rest["next_cursor"] is None
    running = (await live.client.get(f"/v1/jobs?state=running&asset_id={asset_id}")).json()
    assert [job["id"] for job in running["items"]] == [job_id]


async def test_cancelling_a_job_says_so_of_its_asset_and_retrying_goes_on(live: Live) -> None:
    asset_id, job_id, ids = await processing(
        live, NewTask("probe"), NewTask("encode", after=["probe"])
    )
    for _ in range(2):
        cancelled = await live.client.post(f"/v1/jobs/{job_id}/cancel")
        assert cancelled.status_code == 200, cancelled.text
        assert cancelled.json()["state"] == "cancelled"
        assert {task["state"] for task in cancelled.json()["tasks"]} == {"cancelled"}
    assert await state_of(live, asset_id) == "failed"
    retried = await live.client.post(f"/v1/jobs/{job_id}/retry")
    assert retried.status_code == 202, retried.text
    assert [task["state"] for task in retried.json()["tasks"]] == ["ready", "pending"]
    assert await state_of(live, asset_id) == "processing"
    by_task = await live.client.post(f"/v1/tasks/{ids['encode']}/cancel")
    assert (by_task.status_code, by_task.json()["state"]) == (200, "cancelled")
    assert await state_of(live, asset_id) == "failed"


async def test_a_dead_task_shows_its_log_and_comes_back(live: Live) -> None:
    asset_id, job_id, ids = await processing(live, NewTask("probe"))
    await die(live, asset_id, job_id, ids["probe"])
    letters = (await live.client.get("/v1/dead-letters")).json()["items"]
    assert [letter["id"] for letter in letters] == [ids["probe"]]
    task = (await live.client.get(f"/v1/tasks/{ids['probe']}")).json()
    assert task["log_tail"] == "No space left on device"
    assert task["error"] == {"code": "disk_full", "message": "The disk was full."}
    retried = await live.client.post(f"/v1/tasks/{ids['probe']}/retry")
    assert (retried.status_code, retried.json()["state"]) == (202, "ready")
    assert retried.json()["attempt"] == 0
    assert await state_of(live, asset_id) == "processing"
    again = await live.client.post(f"/v1/tasks/{ids['probe']}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "task_state")


async def test_a_redrive_takes_what_can_run_and_names_the_rest(live: Live) -> None:
    kept_asset, kept_job, kept = await processing(live, NewTask("probe"))
    gone_asset, gone_job, gone = await processing(live, NewTask("probe"))
    await die(live, kept_asset, kept_job, kept["probe"])
    await die(live, gone_asset, gone_job, gone["probe"])
    assert (await live.client.delete(f"/v1/assets/{gone_asset}")).status_code == 202
    answer = await live.client.post("/v1/dead-letters/redrive")
    assert answer.status_code == 202, answer.text
    assert answer.json()["redriven"] == [kept["probe"]]
    [skipped] = answer.json()["skipped"]
    assert skipped["task_id"] == gone["probe"]
    assert "deleting" in skipped["reason"]
    assert await state_of(live, kept_asset) == "processing"
    # Nothing of the refused one was changed on the way.
    task = (await live.client.get(f"/v1/tasks/{gone['probe']}")).json()
    assert (task["state"], task["attempt"]) == ("dead", 5)
    named = await live.client.post("/v1/dead-letters/redrive", json={"task_ids": [kept["probe"]]})
    assert named.json() == {
        "redriven": [],
        "skipped": [{"task_id": kept["probe"], "reason": "It is not dead."}],
    }


async def test_a_running_job_cannot_be_retried(live: Live) -> None:
    _, job_id, ids = await processing(live, NewTask("probe"))
    job = await live.client.post(f"/v1/jobs/{job_id}/retry")
    task = await live.client.post(f"/v1/tasks/{ids['probe']}/retry")
    assert (job.status_code, task.status_code) == (409, 409)


@pytest.mark.parametrize("path", ["/v1/jobs/job_0", "/v1/tasks/tsk_0"])
async def test_what_is_not_there_is_not_found(live: Live, path: str) -> None:
    assert (await live.client.get(path)).status_code == 404


async def test_jobs_are_of_their_project_alone(live: Live) -> None:
    asset_id, job_id, ids = await processing(live, NewTask("probe"))
    await die(live, asset_id, job_id, ids["probe"])
    stranger = live.headers(await add_project(live.database))
    for method, path in [
        ("GET", f"/v1/jobs/{job_id}"),
        ("POST", f"/v1/jobs/{job_id}/cancel"),
        ("POST", f"/v1/jobs/{job_id}/retry"),
        ("GET", f"/v1/tasks/{ids['probe']}"),
        ("POST", f"/v1/tasks/{ids['probe']}/retry"),
        ("POST", f"/v1/tasks/{ids['probe']}/cancel"),
    ]:
        answer = await live.client.request(method, path, headers=stranger)
        assert answer.status_code == 404, path
    for path in ["/v1/jobs", "/v1/dead-letters"]:
        assert (await live.client.get(path, headers=stranger)).json()["items"] == []
    redriven = await live.client.post("/v1/dead-letters/redrive", headers=stranger)
    assert redriven.json() == {"redriven": [], "skipped": []}
