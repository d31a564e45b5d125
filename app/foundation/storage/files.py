"""Files that are there whole and durably, or not at all. Everything here blocks.

The order is always: bytes, fsync of the file, rename, fsync of the folder.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.foundation.storage.errors import InvalidKey, OutOfSpace, StoreUnavailable

_COPY_BYTES = 1 << 30


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what the operating system raises into what a store raises."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace("no space left in the store") from error
        if error.errno in (errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ENAMETOOLONG):
            raise InvalidKey("the key is the folder of another, or is too long") from error
        raise StoreUnavailable(f"the store cannot be used: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(folder: Path) -> None:
    """Makes the folder and what is missing above it, durably."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "a file is in the way", str(folder)) from error
    sync_folder(folder.parent)


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Removes the folder and those above it that are empty, up to but without `root`."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def publish(temporary: Path, target: Path, *, if_absent: bool = False) -> None:
    """Gives a finished, synced file its name.

    Raises:
        FileExistsError: `if_absent`, and there is one.
    """
    while True:
        try:
            make_folders(target.parent)
            if if_absent:
                # Unlike a rename, a link never replaces.
                os.link(temporary, target)
                temporary.unlink()
            else:
                temporary.replace(target)
        except FileNotFoundError:
            # A deletion took one of the folders in the same moment, because it was empty.
            if not temporary.exists():
                raise
        except (FileExistsError, IsADirectoryError):
            if not target.is_dir():
                raise
            # Of use only if a killed deletion left nothing but folders; it fails otherwise.
            for folder, _, _ in os.walk(target, topdown=False):
                Path(folder).rmdir()
        else:
            break
    # Gone again already: whoever deleted the file synced that.
    with suppress(FileNotFoundError):
        sync_folder(target.parent)


def copy_bytes(
    source: int, target: int, *, begin: int = 0, count: int | None = None, offset: int = 0
) -> None:
    """Copies `count` bytes of a file from `begin` on, or all, into another from `offset` on.

    Shares the blocks where the filesystem can do that, and copies within the kernel elsewhere.
    """
    if count is None:
        count = os.fstat(source).st_size - begin
    done = 0
    while done < count:
        done += _copy_some(source, target, count - done, begin + done, offset + done)


def _copy_some(source: int, target: int, count: int, begin: int, offset: int) -> int:
    if hasattr(os, "copy_file_range"):
        try:
            copied = os.copy_file_range(source, target, min(count, _COPY_BYTES), begin, offset)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        else:
            if copied:
                return copied
    block = os.pread(source, min(count, 1 << 20), begin)
    if not block:
        raise OSError(errno.EIO, "the file became shorter while it was copied")
    return os.pwrite(target, block, offset)


def discard(path: Path) -> None:
    """Removes a file or a folder that nobody needs any more, as far as that goes."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(FileNotFoundError):
            path.unlink()
