"""Objects that landed in a bucket: each becomes one asset, however often it is announced."""

import mimetypes
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.db.ids import new_id
from app.intake.models import Arrival, ArrivalState
from app.intake.notices import Landed
from app.uploads.completion import accept_source
from app.uploads.models import Upload
from app.uploads.policy import UploadPolicy
from app.uploads.schemas import DEFAULT_MEDIA_TYPE
from app.uploads.service import BUCKET, Announced, fail_upload, get_upload, insert_upload
from app.uploads.states import OPEN

SOURCE_TAG = "source"
_MOST_TAG = 256
_MOST_ERROR = 500
_ASKED_FOR = (Arrival.state == ArrivalState.TAKING) & Arrival.lease_until.is_(None)


class Busy(Exception):
    """Another process takes the object; it will be done, or its lease will run out."""


class ArrivalLost(Exception):
    """Another process has taken the object over; nothing was written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to copy an object into its place.

    Args:
        target: Key of the asset's source.
    """

    arrival_id: str
    fence: int
    upload_id: str
    target: str
    content_type: str


async def claim(
    tx: AsyncSession, policy: UploadPolicy, project_id: str, landed: Landed, *, lease: timedelta
) -> Claim | None:
    """Takes an object, with an asset that waits for it; None when it is dealt with.

    One whose upload was called off, or expired while nobody could copy it, is refused by this.

    Raises:
        Busy: as it says.
    """
    inserted = _row(project_id, landed, {"state": ArrivalState.TAKING})
    await tx.execute(inserted.on_conflict_do_nothing())
    row = await tx.scalar(
        select(Arrival)
        .where(*_is(landed))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.state is not ArrivalState.TAKING:
        return None
    is_held = await tx.scalar(
        select(func.coalesce(Arrival.lease_until > func.clock_timestamp(), False)).where(
            Arrival.id == row.id
        )
    )
    if is_held:
        raise Busy
    upload = await _upload_of(tx, policy, project_id, landed, row)
    if upload.state not in OPEN:
        await tx.execute(update(Arrival).where(Arrival.id == row.id).values(**_closed(upload)))
        return None
    fence = await tx.scalar(
        update(Arrival)
        .where(Arrival.id == row.id)
        .values(
            upload_id=upload.id,
            fence=Arrival.fence + 1,
            lease_until=func.clock_timestamp() + lease,
        )
        .returning(Arrival.fence)
        .execution_options(synchronize_session=False)
    )
    return Claim(row.id, fence or 0, upload.id, upload.object_key, upload.content_type)


async def extend(tx: AsyncSession, held: Claim, *, lease: timedelta) -> None:
    """Raises: ArrivalLost."""
    await _write(tx, held, {"lease_until": func.clock_timestamp() + lease})


async def put_off(tx: AsyncSession, held: Claim, why: str) -> None:
    """It cannot be copied now; whoever comes next tries again.

    Raises:
        ArrivalLost: as it says.
    """
    error = {"error_code": "unavailable", "error_message": why[:_MOST_ERROR]}
    await _write(tx, held, {"lease_until": func.clock_timestamp(), **error})


async def finish(tx: AsyncSession, held: Claim, size: int) -> Upload | None:
    """The object lies in its place: it is verified next, as any upload.

    Returns:
        The upload; None when it was called off meanwhile.

    Raises:
        ArrivalLost: as it says.
    """
    taken = {"state": ArrivalState.TAKEN, "lease_until": None, "size_bytes": size}
    await _write(tx, held, {**taken, "error_code": None, "error_message": None})
    upload = await get_upload(tx, held.upload_id, lock=True)
    if upload.state not in OPEN:
        await tx.execute(
            update(Arrival).where(Arrival.id == held.arrival_id).values(**_closed(upload))
        )
        return None
    return await accept_source(tx, upload, size)


async def refuse(tx: AsyncSession, held: Claim, code: str, message: str) -> None:
    """The object cannot be an asset's source, whose asset fails with the same reason.

    Raises:
        ArrivalLost: as it says.
    """
    error = {"error_code": code, "error_message": message}
    await _write(tx, held, {"state": ArrivalState.REFUSED, "lease_until": None, **error})
    upload = await get_upload(tx, held.upload_id, lock=True)
    if upload.state in OPEN:
        await fail_upload(tx, upload.id, code, message)


async def refuse_unseen(
    tx: AsyncSession, project_id: str, landed: Landed, code: str, message: str
) -> None:
    """Records why no asset is made of an object. Again, or when one was made: nothing."""
    refused = {"state": ArrivalState.REFUSED, "error_code": code, "error_message": message}
    # A row that waits already is one that somebody has asked to be taken once more.
    await tx.execute(
        _row(project_id, landed, refused).on_conflict_do_update(
            index_elements=[Arrival.bucket, Arrival.key, Arrival.version],
            set_=refused,
            where=_ASKED_FOR,
        )
    )


async def retry(tx: AsyncSession, arrival_ids: Collection[str] | None) -> int:
    """Has refused objects taken once more, each as a new asset; how many.

    Args:
        arrival_ids: None for all that this role sees.
    """
    refused = Arrival.state == ArrivalState.REFUSED
    chosen = [refused] if arrival_ids is None else [refused, Arrival.id.in_(arrival_ids)]
    again = await tx.scalars(
        update(Arrival)
        .where(*chosen)
        .values(
            state=ArrivalState.TAKING,
            upload_id=None,
            lease_until=None,
            error_code=None,
            error_message=None,
        )
        .returning(Arrival.id)
        .execution_options(synchronize_session=False)
    )
    return len(again.all())


async def find_waiting(
    tx: AsyncSession, *, left_alone: timedelta, limit: int
) -> Sequence[tuple[str, str]]:
    """Objects that were asked for once more, and those whose message comes no more.

    Args:
        tx: Of the dispatch role.
        left_alone: For how long nobody has been at them.

    Returns:
        The ids of projects and arrivals.
    """
    alone = Arrival.lease_until < func.clock_timestamp() - left_alone
    rows = await tx.execute(
        select(Arrival.project_id, Arrival.id)
        .where(Arrival.state == ArrivalState.TAKING, or_(Arrival.lease_until.is_(None), alone))
        .order_by(Arrival.id)
        .limit(limit)
    )
    return [(project_id, arrival_id) for project_id, arrival_id in rows]


async def landed_of(tx: AsyncSession, arrival_id: str) -> Landed | None:
    """The object of a row that is there."""
    row = await tx.get(Arrival, arrival_id)
    if row is None:
        return None
    return Landed(row.bucket, row.key, row.size_bytes, row.version_id, row.version)


async def _upload_of(
    tx: AsyncSession, policy: UploadPolicy, project_id: str, landed: Landed, row: Arrival
) -> Upload:
    if row.upload_id is not None:
        return await get_upload(tx, row.upload_id)
    name = landed.key.rpartition("/")[2]
    file = Announced(
        filename=name,
        size_bytes=landed.size,
        content_type=mimetypes.guess_type(name)[0] or DEFAULT_MEDIA_TYPE,
        tags={SOURCE_TAG: f"s3://{landed.bucket}/{landed.key}"[:_MOST_TAG]},
    )
    return await insert_upload(tx, policy, project_id, file, method=BUCKET)


def _row(project_id: str, landed: Landed, values: Mapping[str, object]) -> Insert:
    return insert(Arrival).values(
        id=new_id("arr"),
        project_id=project_id,
        bucket=landed.bucket,
        key=landed.key,
        version=landed.version,
        version_id=landed.version_id,
        size_bytes=landed.size,
        **values,
    )


def _closed(upload: Upload) -> dict[str, object]:
    return {
        "state": ArrivalState.REFUSED,
        "lease_until": None,
        "error_code": "upload_state",
        "error_message": f"Its upload was {upload.state.value} before the object was copied.",
    }


async def _write(tx: AsyncSession, held: Claim, values: dict[str, object]) -> None:
    written = await tx.scalar(
        update(Arrival)
        .where(
            Arrival.id == held.arrival_id,
            Arrival.fence == held.fence,
            Arrival.state == ArrivalState.TAKING,
        )
        .values(values)
        .returning(Arrival.id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise ArrivalLost(held.arrival_id)


def _is(landed: Landed) -> tuple[ColumnElement[bool], ...]:
    return (
        Arrival.bucket == landed.bucket,
        Arrival.key == landed.key,
        Arrival.version == landed.version,
    )
