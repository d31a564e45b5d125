from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from app.foundation.signing import UrlSigner
from app.foundation.storage.errors import NotFound
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.protocols import LocalFiles


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, UrlSigner({"k": b"k" * 32}, "k"), "http://here")


def counted(operation: str, outcome: str = "ok") -> float:
    labels = {"store": "folder", "operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value("spool_store_operations_total", labels) or 0.0


async def test_each_operation_is_counted_by_how_it_ended(store: FolderStore) -> None:
    before = {name: counted(name) for name in ("put", "read", "list", "delete")}
    missing, failed = counted("head", "not_found"), counted("put", "broken_off")
    await store.put("a/b", b"some bytes")
    assert [block async for block in store.read("a/b")] == [b"some bytes"]
    assert [info.key async for info in store.list("a/")] == ["a/b"]
    await store.delete("a/b")
    with pytest.raises(NotFound):
        await store.head("a/b")

    async def breaks_off() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.put("a/c", breaks_off())
    assert {name: counted(name) - count for name, count in before.items()} == dict.fromkeys(
        before, 1.0
    )
    assert counted("head", "not_found") - missing == 1
    assert counted("put", "broken_off") - failed == 1


async def test_who_stops_reading_is_no_failure_of_the_store(store: FolderStore) -> None:
    await store.put("a", b"x")
    before = counted("read")
    blocks = store.read("a")
    await anext(blocks)
    await blocks.aclose()  # type: ignore[attr-defined]  # the iterator is a generator
    assert counted("read") - before == 1


def test_the_store_stays_what_it_was(store: FolderStore) -> None:
    assert isinstance(store, LocalFiles)
    assert store.put.__name__ == "put"
