"""Any order of duplicates, delays and crashes gives the same bytes; what is missing shows."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.foundation.storage.protocols import Part
from app.intake.assembly import MAX_HELD, Assembly, Gap
from app.intake.models import StreamState
from app.intake.progress import Progress
from app.intake.records import Begin, Data, End, Record
from workers.intake.stream_writer import StreamWriter

PART = 64


@dataclass
class Durable:
    """What outlives a crash: the row, its chunks, the parts, and the checkpoint."""

    progress: Progress
    chunks: dict[int, bytes] = field(default_factory=dict)
    parts: dict[int, bytes] = field(default_factory=dict)
    checkpoint: int = -1
    completed: bool = False

    async def read_chunks(self, _: str, offset: int) -> bytes:
        return b"".join(data for at, data in sorted(self.chunks.items()) if at >= offset)

    async def put_part(
        self,
        _key: str,
        _upload_id: str,
        number: int,
        body: AsyncIterator[bytes],
        **_sizes: int,
    ) -> Part:
        data = b"".join([block async for block in body])
        assert self.parts.get(number, data) == data, "a part has other bytes the second time"
        self.parts[number] = data
        return Part(number, len(data), "")

    def save(self, progress: Progress, tail: bytes) -> None:
        stored = progress.parts * progress.part_bytes
        self.chunks = {at: data for at, data in self.chunks.items() if at >= stored}
        if tail:
            assert progress.size - len(tail) not in self.chunks
            self.chunks[progress.size - len(tail)] = tail
        self.progress = progress


async def read(durable: Durable, shard: list[Record], stop_at: int, flushes: set[int]) -> None:
    """Reads the shard from the checkpoint on, as the reader does, and dies at a place."""
    writer = StreamWriter(durable.progress, durable, durable.read_chunks)  # type: ignore[arg-type]  # the part of a store that it uses
    for place in range(durable.checkpoint + 1, min(stop_at, len(shard))):
        before = str(place - 1) if place else None
        for record in writer.assembly.take(shard[place], before=before, now=place):
            if isinstance(record, Data):
                await writer.write(record)
            elif isinstance(record, End):
                durable.save(await writer.finish(record), writer.tail)
                durable.completed = True
                return
        if place in flushes:
            held, position = writer.assembly.read_again_after
            durable.save(writer.progress, writer.tail)
            writer.is_saved()
            durable.checkpoint = (-1 if position is None else int(position)) if held else place


def fresh() -> Durable:
    progress = Progress("str_1", StreamState.OPEN, "upl_1", 0, 0, 0, part_bytes=PART, limit=10**9)
    return Durable(progress)


def cut(data: bytes, sizes: list[int]) -> list[Record]:
    records: list[Record] = [Begin("a.mp4", "video/mp4")]
    at = 0
    while at < len(data):
        size = sizes[len(records) % len(sizes)]
        records.append(Data(len(records), data[at : at + size]))
        at += size
    return [*records, End(len(records), len(data), "0" * 64)]


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(min_size=1, max_size=700),
    sizes=st.lists(st.integers(1, 150), min_size=1, max_size=5),
    seed=st.integers(0, 2**32),
    delay=st.integers(0, 12),
    copies=st.floats(0, 0.5),
    crashes=st.lists(st.integers(0, 60), max_size=6),
    flushed=st.sets(st.integers(0, 120)),
)
def test_every_order_and_every_crash_gives_the_same_bytes(
    data: bytes,
    sizes: list[int],
    seed: int,
    delay: int,
    copies: float,
    crashes: list[int],
    flushed: set[int],
) -> None:
    dice = random.Random(seed)  # noqa: S311  # for an order
    records = cut(data, sizes)
    doubled = [each for each in records for _ in range(2 if dice.random() < copies else 1)]
    shard = [
        each
        for _, each in sorted(enumerate(doubled), key=lambda item: item[0] + dice.uniform(0, delay))
    ]
    durable = fresh()
    for steps in crashes:
        if not durable.completed:
            asyncio.run(read(durable, shard, durable.checkpoint + 1 + steps, flushed))
    if not durable.completed:
        asyncio.run(read(durable, shard, len(shard), flushed))
    assert durable.completed
    assert b"".join(part for _, part in sorted(durable.parts.items())) == data
    assert {len(part) for part in [*durable.parts.values()][:-1]} <= {PART}


@given(missing=st.integers(0, 8), seed=st.integers(0, 999))
def test_a_missing_record_is_found(missing: int, seed: int) -> None:
    records = cut(bytes(range(200)), [25])
    del records[missing]
    random.Random(seed).shuffle(records)  # noqa: S311  # for an order
    assembly = Assembly()
    for now, record in enumerate(records):
        assembly.take(record, before=None, now=now)
    assembly.check(now=20, patience=1000)
    with pytest.raises(Gap) as gap:
        assembly.check(now=1000, patience=100)
    assert gap.value.missing == missing


def test_too_many_records_behind_a_missing_one_are_a_gap() -> None:
    assembly = Assembly(1)
    for seq in range(2, MAX_HELD + 2):
        assert assembly.take(Data(seq, b"x"), before=None, now=0) == []
    with pytest.raises(Gap):
        assembly.take(Data(MAX_HELD + 2, b"x"), before=None, now=0)


def test_what_is_held_is_read_again_after_a_crash() -> None:
    assembly = Assembly(1)
    assembly.take(Data(3, b"c"), before="900", now=5)
    assembly.take(Data(2, b"b"), before="1000", now=6)
    held: tuple[bool, str | None] = assembly.read_again_after
    assert held == (True, "900")
    assert [each.seq for each in assembly.take(Data(1, b"a"), before="1001", now=7)] == [1, 2, 3]
    held = assembly.read_again_after
    assert held == (False, None)
    assert assembly.held_since is None
