"""Final uploads: what was sent in several uploads at once becomes one video."""

from dataclasses import replace

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.errors import Conflict
from app.uploads.completion import accept_source
from app.uploads.models import Upload, UploadState
from app.uploads.policy import UploadPolicy
from app.uploads.service import TUS, Announced, check_size, insert_upload
from app.uploads.states import move_upload
from app.uploads.tus_models import Concat, TusUpload
from app.uploads.tus_service import find, find_living


async def join(
    tx: AsyncSession,
    policy: UploadPolicy,
    project_id: str,
    *,
    file: Announced,
    metadata_header: str,
    concat_header: str,
    partial_ids: list[str],
) -> Upload:
    """The final upload of these partial ones, in their order; a worker joins them.

    Asking again for the same gives the same upload.

    Raises:
        NotFound: upload_not_found.
        Gone: upload_expired or upload_gone.
        Conflict: upload_state; one is not partial, not complete, or part of something else.
        TooLarge: upload_too_large.
    """
    # Locked in one order, so that two who join the same ones do not wait for each other.
    found = {each: await find_living(tx, each, lock=True) for each in sorted(partial_ids)}
    if (final := await _joined_before(tx, found, partial_ids)) is not None:
        return final
    for each, (upload, tus) in found.items():
        if tus.concat is not Concat.PARTIAL or tus.final_id is not None:
            raise Conflict("upload_state", f"{each} cannot be joined: it is no free partial one.")
        if tus.received != tus.length or upload.store_upload_id is not None:
            raise Conflict("upload_state", f"{each} is not complete yet: send the rest of it.")
    size = check_size(sum(tus.received for _, tus in found.values()), policy.max_bytes)
    announced = replace(file, size_bytes=size)
    final = await insert_upload(tx, policy, project_id, announced, method=TUS)
    tx.add(
        TusUpload(
            upload_id=final.id,
            project_id=project_id,
            length=size,
            metadata_header=metadata_header,
            concat=Concat.FINAL,
            concat_header=concat_header,
            partial_ids=partial_ids,
        )
    )
    await tx.execute(
        update(TusUpload)
        .where(TusUpload.upload_id.in_(partial_ids))
        .values(final_id=final.id)
        .execution_options(synchronize_session=False)
    )
    for each in partial_ids:
        await move_upload(tx, each, UploadState.COMPLETED)
    await tx.flush()
    return await accept_source(tx, final, size)


async def _joined_before(
    tx: AsyncSession, found: dict[str, tuple[Upload, TusUpload]], partial_ids: list[str]
) -> Upload | None:
    final_ids = {tus.final_id for _, tus in found.values()}
    final_id = final_ids.pop()
    if final_ids or final_id is None:
        return None
    upload, tus = await find(tx, final_id)
    return upload if tus.partial_ids == partial_ids else None
