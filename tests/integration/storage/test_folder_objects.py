"""What is special about objects that are files."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from app.foundation.storage.errors import InvalidKey, NotFound, StoreError, StoreUnavailable
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.local_files import as_local
from app.foundation.storage.protocols import LocalFiles
from tests.integration.storage.contract import contents, keys, some_bytes
from tests.integration.storage.test_folder_contract import open_store


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_store(tmp_path / "store")


async def test_the_file_itself_is_given_away(store: FolderStore, tmp_path: Path) -> None:
    await store.put("a/b.mp4", b"bytes")
    path = await as_local(store, "a/b.mp4", tmp_path / "never made")
    assert isinstance(store, LocalFiles)
    assert path.read_bytes() == b"bytes"
    assert path.suffix == ".mp4"
    for key in ("a", "a/c", "a/b.mp4/d"):
        with pytest.raises(NotFound):
            store.local_path(key)
    with pytest.raises(InvalidKey):
        store.local_path("../store/objects/a/b.mp4")


async def test_a_consumed_file_is_moved_and_not_copied(store: FolderStore, tmp_path: Path) -> None:
    path = tmp_path / "made"
    path.write_bytes(some_bytes(100))
    inode = path.stat().st_ino
    await store.put_file("a", path, consume=True)
    assert store.local_path("a").stat().st_ino == inode


async def test_a_file_with_a_second_name_is_copied(store: FolderStore, tmp_path: Path) -> None:
    path, other = tmp_path / "made", tmp_path / "other"
    path.write_bytes(b"before")
    os.link(path, other)
    await store.put_file("a", path, consume=True)
    other.write_bytes(b"after!")
    assert await contents(store, "a") == b"before"
    assert not path.exists()


async def test_only_a_file_is_put_as_a_file(store: FolderStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for the store")
    link = tmp_path / "link"
    link.symlink_to(secret)
    for path in (link, tmp_path):
        with pytest.raises(StoreError):
            await store.put_file("a", path, consume=True)
    assert secret.exists()
    with pytest.raises(NotFound):
        await store.head("a")


async def test_no_folder_stays_when_it_is_empty(store: FolderStore, tmp_path: Path) -> None:
    await store.put("a/b/c/d", b"")
    await store.put("a/e", b"")
    await store.delete("a/b/c/d")
    assert sorted(path.name for path in (tmp_path / "store/objects/a").iterdir()) == ["e"]
    await store.delete_prefix("a/")
    assert list((tmp_path / "store/objects").iterdir()) == []


async def test_putting_while_the_neighbour_is_deleted(store: FolderStore) -> None:
    async def churn(name: str) -> None:
        for _ in range(20):
            await store.put(f"deep/er/{name}", b"")
            await store.delete(f"deep/er/{name}")
        await store.put(f"deep/er/{name}", b"")

    await asyncio.gather(*map(churn, "abcd"))
    assert await keys(store, "deep/") == [f"deep/er/{name}" for name in "abcd"]


async def test_folders_that_a_killed_deletion_left_are_not_in_the_way(
    store: FolderStore, tmp_path: Path
) -> None:
    for key, if_absent in (("a", False), ("b", True)):
        (tmp_path / "store/objects" / key / "c" / "d").mkdir(parents=True)
        await store.put(key, b"x", if_absent=if_absent)
        assert await contents(store, key) == b"x"


async def test_the_type_is_guessed_where_no_attribute_tells_it(
    store: FolderStore, tmp_path: Path
) -> None:
    folder = tmp_path / "store/objects"
    (folder / "a.png").write_bytes(b"restored without attributes")
    (folder / "b").write_bytes(b"")
    assert (await store.head("a.png")).content_type == "image/png"
    assert (await store.head("b")).content_type == "application/octet-stream"


async def test_a_backup_that_keeps_times_keeps_etags(store: FolderStore, tmp_path: Path) -> None:
    info = await store.put("a", b"x")
    path = store.local_path("a")
    copied = tmp_path / "copied"
    copied.write_bytes(path.read_bytes())
    os.utime(copied, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    copied.replace(path)
    assert (await store.head("a")).etag == info.etag


async def test_what_killed_writers_left_is_swept(store: FolderStore, tmp_path: Path) -> None:
    old, new = (tmp_path / "store/temporary" / name for name in ("old", "new"))
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))
    assert await store.sweep_temporary(older_than=timedelta(days=1)) == 1
    assert (old.exists(), new.exists()) == (False, True)


async def test_a_store_that_went_away_is_unavailable(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "unmounted")
    with pytest.raises(StoreUnavailable):
        await store.check()
    with pytest.raises(StoreUnavailable):
        await store.put("a", b"x")
