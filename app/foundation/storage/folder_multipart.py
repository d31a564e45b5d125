"""Multipart uploads in folders; how it is done stands in upload_folder."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from app.foundation.storage.errors import NoSuchUpload
from app.foundation.storage.folder_objects import FolderObjects
from app.foundation.storage.keys import validate_key, validate_prefix
from app.foundation.storage.part_sink import PartSink
from app.foundation.storage.part_sizes import check_announced
from app.foundation.storage.protocols import (
    DEFAULT_CONTENT_TYPE,
    MultipartUpload,
    ObjectInfo,
    Part,
)
from app.foundation.storage.streams import pour
from app.foundation.storage.upload_folder import UploadDescription, UploadFolder

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class FolderMultipart(FolderObjects):
    """Implements MultipartStore, and takes the parts."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._multipart = root / "multipart"
        self._multipart.mkdir(exist_ok=True)

    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        part_size: int | None = None,
    ) -> str:
        description = UploadDescription(validate_key(key), content_type, part_size, time.time())
        folder = await asyncio.to_thread(
            UploadFolder.create, self._multipart, self._temporary, description
        )
        return folder.upload_id

    async def put_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        body: AsyncIterator[bytes],
        *,
        content_length: int | None = None,
        size: int | None = None,
    ) -> Part:
        check_announced(number, content_length, size)
        folder = self._upload(upload_id)
        expected = content_length if size is None else size
        sink = await asyncio.to_thread(_open_part, folder, key, number, expected)
        try:
            await pour(body, sink)
            return await asyncio.to_thread(sink.finish)
        finally:
            await asyncio.shield(asyncio.to_thread(sink.discard))

    async def list_parts(self, key: str, upload_id: str) -> list[Part]:
        folder = self._upload(upload_id)
        return await asyncio.to_thread(_list_parts, folder, key)

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part]
    ) -> ObjectInfo:
        return await asyncio.to_thread(self._complete, key, self._upload(upload_id), parts)

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        with suppress(NoSuchUpload):
            folder = self._upload(upload_id)
            await asyncio.to_thread(_describe, folder, key)
            await asyncio.to_thread(folder.abort, self._temporary)

    async def list_multiparts(self, prefix: str) -> AsyncIterator[MultipartUpload]:
        for upload in await asyncio.to_thread(self._unfinished, validate_prefix(prefix)):
            yield upload

    def _upload(self, upload_id: str) -> UploadFolder:
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise NoSuchUpload(upload_id)
        return UploadFolder(self._multipart / upload_id)

    def _complete(self, key: str, folder: UploadFolder, parts: Sequence[Part]) -> ObjectInfo:
        description = _describe(folder, key)
        with folder.assembled(parts) as path, path.open("rb") as file:
            return self._publish(file.fileno(), path, self._path(key), description.content_type)

    def _unfinished(self, prefix: str) -> Sequence[MultipartUpload]:
        found = []
        for path in self._multipart.iterdir():
            with suppress(NoSuchUpload):
                description = UploadFolder(path).describe()
                if description.key.startswith(prefix):
                    initiated = datetime.fromtimestamp(description.initiated, UTC)
                    found.append(MultipartUpload(description.key, path.name, initiated))
        return sorted(found, key=lambda upload: (upload.key, upload.initiated))


def _describe(folder: UploadFolder, key: str) -> UploadDescription:
    description = folder.describe()
    if description.key != key:
        raise NoSuchUpload(folder.upload_id)
    return description


def _open_part(folder: UploadFolder, key: str, number: int, size: int | None) -> PartSink:
    return PartSink(folder, number, size=size, part_size=_describe(folder, key).part_size)


def _list_parts(folder: UploadFolder, key: str) -> list[Part]:
    _describe(folder, key)
    return [received.part for received in folder.received().values()]
