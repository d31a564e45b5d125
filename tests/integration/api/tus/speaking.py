"""tus as a client speaks it, by hand, so that each header can be wrong."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select

from app.assets.models import Asset
from app.uploads.models import Upload
from app.uploads.tus_models import TusUpload
from tests.integration.api.live import Live

PATH = "/v1/tus"
CHUNK = "application/offset+octet-stream"
VERSION = {"Tus-Resumable": "1.0.0"}


def metadata(**pairs: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()
    )


def checksum(data: bytes, algorithm: str = "sha1") -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


@dataclass
class Tus:
    client: httpx.AsyncClient

    async def create(
        self, length: int | None = None, data: bytes | None = None, /, **headers: str
    ) -> httpx.Response:
        sent = VERSION | {name.replace("_", "-"): value for name, value in headers.items()}
        if length is not None:
            sent["Upload-Length"] = str(length)
        if data is not None:
            sent["Content-Type"] = CHUNK
        return await self.client.post(PATH, headers=sent, content=data)

    async def begin(self, length: int | None = None, /, **headers: str) -> str:
        """Where a new upload is."""
        answer = await self.create(length, **headers)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"])

    async def append(
        self, place: str, offset: int, data: bytes | AsyncIterator[bytes], **headers: str
    ) -> httpx.Response:
        sent = VERSION | {"Content-Type": CHUNK, "Upload-Offset": str(offset)}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.patch(place, headers=sent, content=data)

    async def look(self, place: str) -> httpx.Response:
        return await self.client.head(place, headers=VERSION)

    async def offset(self, place: str) -> int:
        answer = await self.look(place)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["upload-offset"])

    async def terminate(self, place: str) -> httpx.Response:
        return await self.client.delete(place, headers=VERSION)

    async def partial(self, data: bytes) -> str:
        """A partial upload that is complete."""
        place = await self.begin(len(data), Upload_Concat="partial")
        assert (await self.append(place, 0, data)).status_code == 204
        return place


def id_of(place: str) -> str:
    return place.rsplit("/", 1)[1]


async def rows_of(live: Live, place: str) -> tuple[Upload, TusUpload, Asset | None]:
    async with live.database.project(live.project_id) as tx:
        found = await tx.execute(
            select(Upload, TusUpload, Asset)
            .join(TusUpload, TusUpload.upload_id == Upload.id)
            .outerjoin(Asset, Asset.id == Upload.asset_id)
            .where(Upload.id == id_of(place))
        )
        row = found.one()
        return row[0], row[1], row[2]


async def source_of(live: Live, place: str) -> bytes:
    """The object that the upload has become."""
    upload, _, _ = await rows_of(live, place)
    return b"".join([block async for block in live.store.read(upload.object_key)])


async def left_in_store(live: Live) -> list[Any]:
    """Tails and pieces."""
    return [found.key async for found in live.store.list("tus/")]
