"""Whole objects into files, large ones in ranges at once."""

import asyncio
import os
from contextlib import closing
from functools import partial
from pathlib import Path

from app.foundation.storage.files import store_errors
from app.foundation.storage.protocols import ObjectInfo
from app.foundation.storage.s3_reader import S3Reader
from app.foundation.storage.s3_requests import S3Requests, in_parallel
from app.foundation.storage.streams import Draft

RANGE_BYTES = 16 * 1024 * 1024
_RANGES_AT_ONCE = 4


async def download_object(requests: S3Requests, key: str, path: Path) -> ObjectInfo:
    """Writes the object to a new file, which appears whole or not at all.

    Raises:
        NotFound: there is no such object.
        Changed: it was replaced meanwhile.
    """
    draft = await asyncio.to_thread(Draft, path.parent)
    try:
        # The first answer tells the size; for most objects it is all that is asked for.
        info = await requests.write(_fetch_first, requests, key, draft.descriptor)
        await in_parallel(
            (
                partial(requests.write, _fetch, requests, info, draft.descriptor, start)
                for start in range(RANGE_BYTES, info.size, RANGE_BYTES)
            ),
            at_once=_RANGES_AT_ONCE,
        )
        await asyncio.to_thread(_publish, draft, path)
        return info
    finally:
        await asyncio.shield(asyncio.to_thread(draft.discard))


def _fetch_first(requests: S3Requests, key: str, descriptor: int) -> ObjectInfo:
    with closing(S3Reader(requests, key)) as reader:
        _write(reader, descriptor, 0, RANGE_BYTES)
        return reader.known_info


def _fetch(requests: S3Requests, info: ObjectInfo, descriptor: int, start: int) -> None:
    end = min(start + RANGE_BYTES, info.size)
    reader = S3Reader(requests, info.key, start=start, end=end, if_match=info.etag)
    with closing(reader):
        _write(reader, descriptor, start, end)


def _write(reader: S3Reader, descriptor: int, start: int, end: int) -> None:
    while start < end and (block := reader.next_block()):
        with store_errors():
            view = memoryview(block)[: end - start]
            while view:
                written = os.pwrite(descriptor, view, start)
                start += written
                view = view[written:]


def _publish(draft: Draft, path: Path) -> None:
    with store_errors():
        draft.path.replace(path)
