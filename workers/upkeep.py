"""What the reconciler asks of a worker because it touches objects as well as rows."""

from app.jobs.reconciler import ExpireUpload
from app.uploads import service as uploads
from workers.services import Services


def expire_upload(services: Services) -> ExpireUpload:
    async def expire(project_id: str, upload_id: str) -> None:
        async with services.database.project(project_id) as tx:
            await uploads.expire(tx, upload_id, services.store)

    return expire
