"""The rows of objects that landed, without anything that copies them."""

from datetime import timedelta

from app.foundation.db.database import Database
from app.intake import arrivals
from app.intake.arrivals import Claim
from app.intake.models import Arrival
from app.intake.notices import Landed
from app.settings import Settings
from app.uploads.models import UploadState
from app.uploads.policy import UploadPolicy
from app.uploads.states import move_upload

OBJECT = Landed("sources", "incoming/prj_1/a.mov", 5, "v1", "v1")


class Objects:
    def __init__(self, database: Database, project_id: str, settings: Settings) -> None:
        self.database = database
        self.project_id = project_id
        self.policy = UploadPolicy.of(settings)

    async def claim(self) -> Claim | None:
        async with self.database.project(self.project_id) as tx:
            return await arrivals.claim(
                tx, self.policy, self.project_id, OBJECT, lease=timedelta(seconds=60)
            )

    async def cancel_upload(self, held: Claim) -> None:
        async with self.database.project(self.project_id) as tx:
            await move_upload(tx, held.upload_id, UploadState.CANCELLED)

    async def ended(self, held: Claim) -> tuple[str, str | None]:
        async with self.database.project(self.project_id) as tx:
            row = await tx.get_one(Arrival, held.arrival_id)
        return row.state.value, row.error_message


CALLED_OFF = ("refused", "Its upload was cancelled before the object was copied.")


async def test_what_was_called_off_meanwhile_is_refused_and_may_be_asked_for_again(
    database: Database, project_id: str, settings: Settings
) -> None:
    objects = Objects(database, project_id, settings)
    first = await objects.claim()
    assert first is not None
    async with database.project(project_id) as tx:
        await arrivals.put_off(tx, first, "S3 is away")
    assert await objects.ended(first) == ("taking", "S3 is away")
    await objects.cancel_upload(first)
    assert await objects.claim() is None
    assert await objects.ended(first) == CALLED_OFF

    async with database.dispatch() as tx:
        assert await arrivals.retry(tx, None) == 1
        waiting = await arrivals.find_waiting(tx, left_alone=timedelta(hours=1), limit=10)
    assert waiting == [(project_id, first.arrival_id)]
    async with database.project(project_id) as tx:
        assert await arrivals.landed_of(tx, first.arrival_id) == OBJECT
    second = await objects.claim()
    assert second is not None
    assert second.upload_id != first.upload_id
    await objects.cancel_upload(second)
    async with database.project(project_id) as tx:
        assert await arrivals.finish(tx, second, 5) is None
    assert await objects.ended(second) == CALLED_OFF
