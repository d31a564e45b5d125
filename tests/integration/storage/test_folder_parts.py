"""Parts in a folder store, when bodies break off, come twice or too late, and processes die."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.foundation.storage.errors import (
    Incomplete,
    NoSuchUpload,
    PartInvalid,
    PartMismatch,
    PartTooLarge,
)
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.protocols import MAX_PARTS, MIN_PART_BYTES
from tests.integration.storage.contract import Unread, contents, in_blocks, some_bytes
from tests.integration.storage.test_folder_contract import open_store

KEY = "a/parts.bin"
PART = MIN_PART_BYTES

# Sends the same five parts for ever and says so for each that was acknowledged.
SENDER = """
import asyncio, sys
from pathlib import Path
from tests.integration.storage.contract import Unread, in_blocks, some_bytes
from tests.integration.storage.test_folder_contract import open_store

async def main(root, upload_id, size):
    store = open_store(Path(root))
    while True:
        for number in range(1, 6):
            body = in_blocks(some_bytes(size, number))
            part = await store.put_part("a/parts.bin", upload_id, number, body, content_length=size)
            print(part.number, part.etag, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return open_store(tmp_path / "store")


@pytest.fixture
async def upload_id(store: FolderStore) -> str:
    return await store.create_multipart(KEY, part_size=PART)


class HeldBody:
    """A body that stops after its first block until it is let go."""

    def __init__(self, data: bytes, *, held_after: int = 2_500_000) -> None:
        self._data = data
        self._held_after = held_after
        self._go = asyncio.Event()
        self.held = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in in_blocks(self._data[: self._held_after]):
            yield block
        self.held.set()
        await self._go.wait()
        async for block in in_blocks(self._data[self._held_after :]):
            yield block

    def let_go(self) -> None:
        self._go.set()


async def put(
    store: FolderStore, upload_id: str, number: int, body: AsyncIterator[bytes], size: int = PART
) -> str:
    part = await store.put_part(KEY, upload_id, number, body, content_length=size)
    return part.etag


def left_over(store: FolderStore, tmp_path: Path) -> list[str]:
    root = tmp_path / "store"
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]


async def test_completing_moves_the_file_and_leaves_nothing(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    for number in (1, 2):
        await put(store, upload_id, number, in_blocks(some_bytes(PART, number)))
    inode = (tmp_path / "store" / "multipart" / upload_id / "data").stat().st_ino
    parts = await store.list_parts(KEY, upload_id)
    await store.complete_multipart(KEY, upload_id, parts)
    assert store.local_path(KEY).stat().st_ino == inode
    assert left_over(store, tmp_path) == [f"objects/{KEY}"]


async def test_a_part_that_breaks_off_does_not_hurt_the_one_before(
    store: FolderStore, upload_id: str
) -> None:
    etag = await put(store, upload_id, 1, in_blocks(some_bytes(PART, 1)))
    with pytest.raises(Incomplete):
        await put(store, upload_id, 1, in_blocks(some_bytes(PART // 2, 2)))
    parts = await store.list_parts(KEY, upload_id)
    assert [part.etag for part in parts] == [etag]
    await store.complete_multipart(KEY, upload_id, parts)
    assert await contents(store, KEY) == some_bytes(PART, 1)


async def test_a_claim_that_a_power_cut_took_is_not_missed(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    await put(store, upload_id, 1, in_blocks(some_bytes(PART, 1)))
    (tmp_path / "store" / "multipart" / upload_id / "00001.claim").unlink()
    with pytest.raises(Incomplete):
        await put(store, upload_id, 1, in_blocks(some_bytes(PART // 2, 2)))
    await store.complete_multipart(KEY, upload_id, await store.list_parts(KEY, upload_id))
    assert await contents(store, KEY) == some_bytes(PART, 1)


async def test_a_cancelled_part_frees_its_place(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    body = HeldBody(some_bytes(PART, 1))
    task = asyncio.create_task(put(store, upload_id, 1, aiter(body)))
    await body.held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.list_parts(KEY, upload_id) == []
    await put(store, upload_id, 1, in_blocks(some_bytes(PART, 2)))
    names = {path.name for path in (tmp_path / "store" / "multipart" / upload_id).iterdir()}
    assert names == {"data", "parts", "fence", "upload.json", "00001.claim"}


@pytest.mark.parametrize("first_to_end", ["slow", "fast"])
async def test_one_part_from_two_senders_is_one_of_them(
    store: FolderStore, upload_id: str, first_to_end: str
) -> None:
    slow_bytes, fast_bytes = some_bytes(PART, 1), some_bytes(PART, 2)
    slow, fast = HeldBody(slow_bytes), HeldBody(fast_bytes)
    tasks = {}
    for name, body in (("slow", slow), ("fast", fast)):
        tasks[name] = asyncio.create_task(put(store, upload_id, 1, aiter(body)))
        await body.held.wait()
    order = [slow, fast] if first_to_end == "slow" else [fast, slow]
    for body in order:
        body.let_go()
        await tasks["slow" if body is slow else "fast"]
    parts = await store.list_parts(KEY, upload_id)
    await store.complete_multipart(KEY, upload_id, parts)
    assert await contents(store, KEY) == (fast_bytes if order[-1] is fast else slow_bytes)


@pytest.mark.parametrize("late_is_in_place", [True, False])
async def test_a_late_body_cannot_reach_into_the_object(
    store: FolderStore, upload_id: str, tmp_path: Path, late_is_in_place: bool
) -> None:
    good = some_bytes(PART, 1)
    late = HeldBody(some_bytes(PART, 2))
    if not late_is_in_place:
        await put(store, upload_id, 1, in_blocks(good))
    task = asyncio.create_task(put(store, upload_id, 1, aiter(late)))
    await late.held.wait()
    if late_is_in_place:
        await put(store, upload_id, 1, in_blocks(good))
    parts = await store.list_parts(KEY, upload_id)
    info = await store.complete_multipart(KEY, upload_id, parts)
    late.let_go()
    with pytest.raises(NoSuchUpload):
        await task
    assert await contents(store, KEY) == good
    assert (await store.head(KEY)).etag == info.etag
    assert left_over(store, tmp_path) == [f"objects/{KEY}"]


async def test_a_late_body_does_not_bring_back_what_was_aborted(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    late = HeldBody(some_bytes(PART))
    task = asyncio.create_task(put(store, upload_id, 1, aiter(late)))
    await late.held.wait()
    await store.abort_multipart(KEY, upload_id)
    late.let_go()
    with pytest.raises(NoSuchUpload):
        await task
    assert left_over(store, tmp_path) == []


async def test_sending_again_and_again_does_not_fill_the_disk(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    for seed in range(6):
        await put(store, upload_id, 1, in_blocks(some_bytes(PART, seed)))
    held = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert held < 2 * PART + 10_000


@pytest.mark.parametrize(
    ("number", "content_length", "size", "error"),
    [
        (0, 1, None, PartInvalid),
        (MAX_PARTS + 1, 1, None, PartInvalid),
        (1, 11, 10, PartTooLarge),
        (1, 9, 10, PartMismatch),
        (1, 5 * 1024**3 + 1, None, PartTooLarge),
    ],
)
async def test_what_is_announced_wrongly_is_not_read(
    store: FolderStore,
    upload_id: str,
    number: int,
    content_length: int,
    size: int | None,
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await store.put_part(
            KEY, upload_id, number, Unread(), content_length=content_length, size=size
        )


async def test_a_body_of_unknown_length_is_held_to_the_signed_size(
    store: FolderStore, upload_id: str
) -> None:
    neighbour = await put(store, upload_id, 2, in_blocks(some_bytes(100)), 100)
    for sent, error in ((PART + 1, PartTooLarge), (PART - 1, Incomplete)):
        with pytest.raises(error):
            await store.put_part(KEY, upload_id, 1, in_blocks(some_bytes(sent)), size=PART)
    assert [part.etag for part in await store.list_parts(KEY, upload_id)] == [neighbour]


@pytest.mark.parametrize("at", ["before the data is moved", "after it"])
async def test_a_completion_that_was_killed_is_taken_up_again(
    store: FolderStore, upload_id: str, tmp_path: Path, at: str
) -> None:
    """The folder is brought into the states that a kill can leave it in."""
    folder = tmp_path / "store" / "multipart" / upload_id
    await put(store, upload_id, 1, in_blocks(some_bytes(PART, 1)))
    parts = await store.list_parts(KEY, upload_id)
    (folder / "data").rename(folder / "data.completing")
    if at == "after it":
        (folder / "data.completing").unlink()
        with pytest.raises(NoSuchUpload):
            await store.complete_multipart(KEY, upload_id, parts)
        assert [found.upload_id async for found in store.list_multiparts("")] == [upload_id]
        await store.abort_multipart(KEY, upload_id)
        assert not folder.exists()
        return
    assert await store.list_parts(KEY, upload_id) == parts
    await put(store, upload_id, 2, in_blocks(b"more"), 4)
    (folder / "data").rename(folder / "data.completing")
    await store.complete_multipart(KEY, upload_id, await store.list_parts(KEY, upload_id))
    assert await contents(store, KEY) == some_bytes(PART, 1) + b"more"


async def test_a_completion_that_fails_can_be_tried_with_other_parts(
    store: FolderStore, upload_id: str
) -> None:
    for number in (1, 2):
        await put(store, upload_id, number, in_blocks(some_bytes(PART, number)))
    first, second = await store.list_parts(KEY, upload_id)
    await store.put(f"{KEY}/in the way", b"")
    with pytest.raises(Exception, match="folder of another"):
        await store.complete_multipart(KEY, upload_id, [first])
    await store.delete(f"{KEY}/in the way")
    # The second part was cut off with the rest that was not chosen: it has to come again.
    assert await store.list_parts(KEY, upload_id) == [first]
    await put(store, upload_id, 2, in_blocks(some_bytes(PART, 2)))
    await store.complete_multipart(KEY, upload_id, [first, second])
    assert await contents(store, KEY) == some_bytes(PART, 1) + some_bytes(PART, 2)


async def test_a_torn_line_of_the_journal_is_no_part(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    await put(store, upload_id, 1, in_blocks(some_bytes(PART, 1)))
    journal = tmp_path / "store" / "multipart" / upload_id / "parts"
    journal.write_text(f"{journal.read_text()}\n2 52428")
    await put(store, upload_id, 3, in_blocks(b"end"), 3)
    assert [part.number for part in await store.list_parts(KEY, upload_id)] == [1, 3]


async def test_kill_9_loses_nothing_that_was_acknowledged(
    store: FolderStore, upload_id: str, tmp_path: Path
) -> None:
    """Kills a process that sends parts, at random moments, and takes the upload over each time."""
    moments = random.Random(4)  # noqa: S311  # the same moments in every run
    acknowledged: dict[int, str] = {}
    for _ in range(4):
        acknowledged |= await asyncio.to_thread(
            _send_until_killed, tmp_path / "store", upload_id, moments.randint(3, 9)
        )
        listed = await store.list_parts(KEY, upload_id)
        assert {part.number: part.etag for part in listed}.items() >= acknowledged.items()
    sent = {number: some_bytes(PART, number) for number in range(1, 6)}
    for number in sent.keys() - acknowledged.keys():
        await put(store, upload_id, number, in_blocks(sent[number]))
    await store.complete_multipart(KEY, upload_id, await store.list_parts(KEY, upload_id))
    assert await contents(store, KEY) == b"".join(sent.values())
    assert left_over(store, tmp_path) == [f"objects/{KEY}"]


def _send_until_killed(root: Path, upload_id: str, parts: int) -> dict[int, str]:
    argv = [sys.executable, "-c", SENDER, str(root), upload_id, str(PART)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        lines = [sender.stdout.readline() for _ in range(parts)]
        # Now a part is under way: its file or its claim is there before its line.
        _wait_until(lambda: _writes_a_part(sender.pid, root))
        os.kill(sender.pid, signal.SIGKILL)
        lines += sender.stdout.readlines()
    return {int(number): etag for number, etag in (line.split() for line in lines if line)}


def _writes_a_part(pid: int, root: Path) -> bool:
    try:
        targets = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        return False
    return any(target.startswith(f"{root}/multipart") for target in targets)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
