"""Objects as files below a folder, one file per key.

    objects/<key>           the objects
    temporary/<random>      what is being written
    multipart/<upload id>/  see folder_multipart

All three on one filesystem, which has to keep times in nanoseconds, as ext4, XFS, Btrfs, ZFS and
APFS do.
"""

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path

from app.foundation.storage.errors import (
    AlreadyExists,
    NotFound,
    StoreError,
    StoreUnavailable,
)
from app.foundation.storage.files import (
    copy_bytes,
    discard,
    publish,
    remove_empty_folders,
    store_errors,
    sync_folder,
)
from app.foundation.storage.keys import validate_key, validate_prefix
from app.foundation.storage.listing import walk
from app.foundation.storage.metadata import info_of, write_metadata
from app.foundation.storage.open_object import OpenObject
from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, ObjectInfo
from app.foundation.storage.streams import Draft, pour
from app.foundation.storage.threads import to_its_end

READ_BYTES = 1 << 20
_LIST_BATCH = 1000


class FolderObjects:
    """Implements ObjectStore and LocalFiles.

    Args:
        root: Folder of the store; made when missing.
    """

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"
        self._temporary = root / "temporary"
        for folder in (self._objects, self._temporary):
            folder.mkdir(parents=True, exist_ok=True)

    async def put(
        self,
        key: str,
        data: bytes | AsyncIterator[bytes],
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        if_absent: bool = False,
    ) -> ObjectInfo:
        target = self._path(key)
        if isinstance(data, bytes):
            return await to_its_end(self._put, target, data, content_type, if_absent)
        draft = await asyncio.to_thread(Draft, self._temporary)
        try:
            await pour(data, draft)
            return await to_its_end(
                self._publish, draft.descriptor, draft.path, target, content_type, if_absent
            )
        finally:
            await asyncio.shield(asyncio.to_thread(draft.discard))

    async def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str = DEFAULT_CONTENT_TYPE,
        consume: bool = False,
    ) -> ObjectInfo:
        return await to_its_end(
            self._put_file, self._path(key), path, content_type, consume=consume
        )

    async def head(self, key: str) -> ObjectInfo:
        return await asyncio.to_thread(self._head, key)

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None, if_match: str | None = None
    ) -> AsyncIterator[bytes]:
        file, block, stop = await asyncio.to_thread(self._begin_read, key, start, end, if_match)
        try:
            while block:
                yield block
                start += len(block)
                if start >= stop:
                    break
                block = await asyncio.to_thread(file.read, start, min(READ_BYTES, stop - start))
        finally:
            # A read that is under way in a thread after a cancellation ends in nothing.
            file.close()

    async def download(self, key: str, path: Path) -> ObjectInfo:
        return await asyncio.to_thread(self._download, key, path)

    async def copy(self, source: str, target: str) -> ObjectInfo:
        return await to_its_end(self._copy, source, self._path(target))

    async def delete(self, *keys: str) -> None:
        await asyncio.to_thread(self._delete, [self._path(key) for key in keys])

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        paths = walk(self._objects, validate_prefix(prefix))
        while (batch := await asyncio.to_thread(self._next_infos, paths)) is not None:
            for info in batch:
                yield info

    async def delete_prefix(self, prefix: str) -> int:
        paths = walk(self._objects, validate_prefix(prefix))
        return await asyncio.to_thread(self._delete, paths)

    async def check(self) -> None:
        await asyncio.to_thread(self._check)

    async def sweep_temporary(self, *, older_than: timedelta) -> int:
        """Deletes what killed writers left behind, and says how many files that were."""
        return await asyncio.to_thread(self._sweep_temporary, older_than)

    def local_path(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound(key)
        return path

    def _path(self, key: str) -> Path:
        return self._objects / validate_key(key)

    def _key(self, path: Path) -> str:
        return path.relative_to(self._objects).as_posix()

    def _put(self, target: Path, data: bytes, content_type: str, if_absent: bool) -> ObjectInfo:
        draft = Draft(self._temporary)
        try:
            draft.write(data)
            return self._publish(draft.descriptor, draft.path, target, content_type, if_absent)
        finally:
            draft.discard()

    def _publish(
        self,
        descriptor: int,
        path: Path,
        target: Path,
        content_type: str,
        if_absent: bool = False,
    ) -> ObjectInfo:
        """Makes an object of an open file that nobody writes to any more."""
        key = self._key(target)
        with store_errors():
            write_metadata(descriptor, content_type)
            os.fsync(descriptor)
            info = info_of(key, descriptor, os.fstat(descriptor))
            try:
                publish(path, target, if_absent=if_absent)
            except FileExistsError as error:
                raise AlreadyExists(key) from error
        return info

    def _put_file(
        self, target: Path, path: Path, content_type: str, *, consume: bool
    ) -> ObjectInfo:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path} is not a regular file")
        with path.open("rb") as source:
            if consume and self._may_move(status):
                return self._publish(source.fileno(), path, target, content_type)
            info = self._put_copy(source.fileno(), target, content_type)
        if consume:
            discard(path)
        return info

    def _may_move(self, status: os.stat_result) -> bool:
        # A second link would be a way to write into the object later.
        return status.st_nlink == 1 and status.st_dev == self._temporary.stat().st_dev

    def _put_copy(self, source: int, target: Path, content_type: str) -> ObjectInfo:
        draft = Draft(self._temporary)
        try:
            with store_errors():
                copy_bytes(source, draft.descriptor)
            return self._publish(draft.descriptor, draft.path, target, content_type)
        finally:
            draft.discard()

    def _begin_read(
        self, key: str, start: int, end: int | None, if_match: str | None
    ) -> tuple[OpenObject, bytes, int]:
        """Opens and reads the first block in one hop: for a small object that is all."""
        file = OpenObject(key, self._path(key), if_match=if_match)
        try:
            stop = file.info.size if end is None else min(end, file.info.size)
            block = file.read(start, min(READ_BYTES, stop - start)) if start < stop else b""
        except BaseException:
            file.close()
            raise
        return file, block, stop

    def _head(self, key: str) -> ObjectInfo:
        with OpenObject(key, self._path(key)) as file:
            return file.info

    def _download(self, key: str, path: Path) -> ObjectInfo:
        with OpenObject(key, self._path(key)) as file:
            draft = Draft(path.parent)
            try:
                with store_errors():
                    copy_bytes(file.descriptor, draft.descriptor)
                    draft.path.replace(path)
            finally:
                draft.discard()
            return file.info

    def _copy(self, source: str, target: Path) -> ObjectInfo:
        with OpenObject(source, self._path(source)) as file:
            return self._put_copy(file.descriptor, target, file.info.content_type)

    def _delete(self, paths: Iterable[Path]) -> int:
        folders = set()
        deleted = 0
        with store_errors():
            for path in paths:
                try:
                    path.unlink()
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                    continue
                deleted += 1
                folders.add(path.parent)
            for folder in sorted(folders, reverse=True):
                with suppress(FileNotFoundError):
                    sync_folder(folder)
                remove_empty_folders(folder, self._objects)
        return deleted

    def _next_infos(self, paths: Iterator[Path]) -> Sequence[ObjectInfo] | None:
        batch = list(islice(paths, _LIST_BATCH))
        infos = []
        for path in batch:
            with suppress(NotFound):
                infos.append(self._head(self._key(path)))
        return infos if batch else None

    def _check(self) -> None:
        draft = Draft(self._temporary)
        try:
            draft.write(b"ready?")
            with store_errors():
                os.fsync(draft.descriptor)
                if os.pread(draft.descriptor, 6, 0) != b"ready?":
                    raise StoreUnavailable("the store does not keep what is written")
        finally:
            draft.discard()

    def _sweep_temporary(self, older_than: timedelta) -> int:
        limit = time.time() - older_than.total_seconds()
        swept = 0
        for path in self._temporary.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    discard(path)
                    swept += 1
        return swept
