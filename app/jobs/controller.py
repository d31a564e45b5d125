"""Jobs, tasks and dead letters under /v1."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import idempotent
from app.foundation.http.parameters import Cursor, Limit
from app.foundation.http.transaction import Tx
from app.foundation.paging import LIMIT_DEFAULT, Page
from app.jobs import queries, redrive, service
from app.jobs.models import JobState
from app.jobs.schemas import JobDetail, JobView, Redrive, Redriven, TaskDetail, TaskView

StateQuery = Annotated[
    JobState | None,
    QueryParameter(name="state", required=False, description="Only jobs in this state."),
]
AssetQuery = Annotated[
    str | None,
    QueryParameter(required=False, max_length=64, description="Only jobs of this asset."),
]


class JobController(Controller):
    path = "/jobs"
    tags = ("jobs",)

    @get(
        guards=[requires("jobs:read")],
        operation_id="list_jobs",
        summary="List jobs",
        description="Newest first.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_jobs(
        self,
        tx: Tx,
        job_state: StateQuery = None,
        asset_id: AssetQuery = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[JobView]:
        return await queries.list_jobs(
            tx, state=job_state, asset_id=asset_id, limit=limit, cursor=cursor
        )

    @get(
        "/{job_id:str}",
        guards=[requires("jobs:read")],
        operation_id="get_job",
        summary="Get a job with its tasks",
        description="The tasks as a tree: under each those that it submitted, and of each what it "
        "waits for, how far it is, and what went wrong.",
        responses=documented({404: "job_not_found"}),
    )
    async def get_job(self, tx: Tx, job_id: FromPath[str]) -> JobDetail:
        return await queries.get_job_detail(tx, job_id)

    @post(
        "/{job_id:str}/cancel",
        status_code=200,
        guards=[requires("jobs:write")],
        operation_id="cancel_job",
        summary="Cancel a job",
        description="What waits will not run, what runs is stopped, and nothing of it is "
        "published. A job that has ended stays as it is.",
        responses=documented({404: "job_not_found"}),
    )
    @idempotent
    async def cancel_job(self, tx: Tx, job_id: FromPath[str]) -> JobDetail:
        await redrive.cancel_job(tx, job_id)
        return await queries.get_job_detail(tx, job_id)

    @post(
        "/{job_id:str}/retry",
        status_code=202,
        guards=[requires("jobs:write")],
        operation_id="retry_job",
        summary="Retry a job",
        description="What succeeded is kept; the rest runs again.",
        responses=documented(
            {404: "job_not_found", 409: ("task_state", "asset_state"), 410: "asset_deleted"}
        ),
    )
    @idempotent
    async def retry_job(self, tx: Tx, job_id: FromPath[str]) -> JobDetail:
        await redrive.retry_job(tx, job_id)
        return await queries.get_job_detail(tx, job_id)


class TaskController(Controller):
    path = "/tasks"
    tags = ("jobs",)

    @get(
        "/{task_id:str}",
        guards=[requires("jobs:read")],
        operation_id="get_task",
        summary="Get a task",
        description="With what it was given, what came of it, and the last lines of its log.",
        responses=documented({404: "task_not_found"}),
    )
    async def get_task(self, tx: Tx, task_id: FromPath[str]) -> TaskDetail:
        task = await service.get_task(tx, task_id)
        return TaskDetail.of(
            task,
            args=task.args,
            result=task.result,
            correlation_id=task.correlation_id,
            log_tail=task.log_tail,
        )

    @post(
        "/{task_id:str}/retry",
        status_code=202,
        guards=[requires("jobs:write")],
        operation_id="retry_task",
        summary="Retry a task",
        description="Dead or cancelled ones, and with it all of the job that did not succeed.",
        responses=documented(
            {404: "task_not_found", 409: ("task_state", "asset_state"), 410: "asset_deleted"}
        ),
    )
    @idempotent
    async def retry_task(self, tx: Tx, task_id: FromPath[str]) -> TaskView:
        return TaskView.of(await redrive.retry_task(tx, task_id))

    @post(
        "/{task_id:str}/cancel",
        status_code=200,
        guards=[requires("jobs:write")],
        operation_id="cancel_task",
        summary="Cancel a task",
        description="And its job, whose other tasks are of no use without it.",
        responses=documented({404: "task_not_found", 409: "task_state"}),
    )
    @idempotent
    async def cancel_task(self, tx: Tx, task_id: FromPath[str]) -> TaskView:
        return TaskView.of(await redrive.cancel_task(tx, task_id))


class DeadLetterController(Controller):
    path = "/dead-letters"
    tags = ("jobs",)

    @get(
        guards=[requires("jobs:read")],
        operation_id="list_dead_letters",
        summary="List tasks that are given up",
        description="Those that ran out of attempts, and those whose input cannot be right. "
        "Newest first.",
        responses=documented({422: ("validation_failed", "cursor_invalid")}),
    )
    async def list_dead_letters(
        self, tx: Tx, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[TaskView]:
        return await queries.list_dead_letters(tx, limit=limit, cursor=cursor)

    @post(
        "/redrive",
        status_code=202,
        guards=[requires("jobs:write")],
        operation_id="redrive",
        summary="Run dead tasks again",
        description="All of them, or those named. What cannot run again is left as it is and "
        "named with the reason.",
        responses=documented({422: "validation_failed"}),
    )
    @idempotent
    async def redrive(self, tx: Tx, data: JSONBody[Redrive | None] = None) -> Redriven:
        return await redrive.redrive(tx, data.task_ids if data else None)
