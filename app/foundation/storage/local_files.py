"""An object as a file on this machine, without a copy where the store has one."""

from pathlib import Path

from app.foundation.storage.protocols import LocalFiles, ObjectStore


async def as_local(store: ObjectStore, key: str, scratch: Path) -> Path:
    """A file to read, never to write: the store's own, or one downloaded into `scratch`.

    A downloaded file has the key's last segment for its name.

    Raises:
        NotFound: there is no such object.
    """
    if isinstance(store, LocalFiles):
        return store.local_path(key)
    path = scratch / key.rpartition("/")[2]
    await store.download(key, path)
    return path
