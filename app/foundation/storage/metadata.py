"""What is known of an object's file beside its bytes, without a second file to keep in step.

The ETag is the time of the last change in nanoseconds and the size. The time is set by us when the
object is published, not taken from the kernel's clock, which advances by milliseconds only: two
versions of an object never share it. It survives a copy that keeps times, as backups do.

The content type is the extended attribute that freedesktop.org named for it, inside the inode and
so under the same fsync. A filesystem without such attributes loses it: the type is then guessed
from the key's suffix, which is right for every key that has the usual one.
"""

import errno
import os
import time
from datetime import UTC, datetime
from mimetypes import MimeTypes
from pathlib import Path

from app.foundation.storage.protocols import DEFAULT_CONTENT_TYPE, ObjectInfo

_ATTRIBUTE = "user.mime_type"
_NO_ATTRIBUTE = {errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.ENOSPC, errno.E2BIG}
# Python's own table, not the machine's files: the same answer everywhere.
_TYPES = MimeTypes()


def write_metadata(descriptor: int, content_type: str) -> None:
    """Sets the content type and the time of a file that is about to be published."""
    if hasattr(os, "setxattr"):
        try:
            os.setxattr(descriptor, _ATTRIBUTE, content_type.encode())
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTE:
                raise
    now = time.time_ns()
    os.utime(descriptor, ns=(now, now))


def info_of(key: str, path: Path | int, status: os.stat_result) -> ObjectInfo:
    """What is known of the object whose file this is."""
    return ObjectInfo(
        key=key,
        size=status.st_size,
        etag=f"{status.st_mtime_ns:x}-{status.st_size:x}",
        content_type=_content_type(key, path),
        last_modified=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _content_type(key: str, path: Path | int) -> str:
    if hasattr(os, "getxattr"):
        try:
            return os.getxattr(path, _ATTRIBUTE).decode()
        except OSError as error:
            if error.errno not in _NO_ATTRIBUTE:
                raise
    return _TYPES.guess_type(key)[0] or DEFAULT_CONTENT_TYPE
