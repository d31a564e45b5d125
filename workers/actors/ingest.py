"""Looks at the whole source once, before anything is made of it."""

import asyncio
import hashlib
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs import service as jobs
from app.uploads import completion
from app.uploads import service as uploads
from app.uploads.tus_join import join_pieces, pieces_of
from workers.work import Work


async def ingest(work: Work) -> None:
    """Compares size and, where one was announced, checksum; then the asset is processed."""
    upload_id = str(work.args["upload_id"])
    async with work.transaction() as tx:
        upload = await uploads.get_upload(tx, upload_id)
        pieces = await pieces_of(tx, upload_id)
    if pieces:
        await join_pieces(work.services.store, upload, pieces)
    size = (await work.services.store.head(upload.object_key)).size
    # Reading it all is worth it only where there is something to compare it with.
    sha256 = None
    if upload.sha256 is not None:
        path = await work.local_copy(upload.object_key)
        sha256 = await asyncio.to_thread(_sha256, path)

    async def go_on(tx: AsyncSession) -> None:
        if await completion.finish_verification(tx, upload_id, sha256=sha256, size=size):
            job = await jobs.create_job(
                tx, project_id=upload.project_id, kind="process", asset_id=upload.asset_id
            )
            await jobs.submit(tx, job, [jobs.NewTask("probe")])

    await work.finish(go_on, {"size_bytes": size, "sha256": sha256})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
