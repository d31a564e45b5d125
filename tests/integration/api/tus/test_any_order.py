"""Whatever is sent, cut off, refused, or dies, in whatever order: what arrives is the file."""

import random
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.foundation.errors import SpoolError
from app.foundation.storage.errors import StoreUnavailable
from app.foundation.storage.protocols import Store
from app.uploads.simple import Interrupted
from app.uploads.tus_append import Appending, ChecksumMismatch
from app.uploads.tus_headers import parse_checksum
from tests.integration.api.live import PART, Live
from tests.integration.api.tus.dying import Failing, hold_of, run_out
from tests.integration.api.tus.speaking import Tus, checksum, left_in_store, source_of

_MOST = 2 * PART + 100_000
SIZES = st.one_of(
    st.integers(1, 2000), st.integers(PART - 2, PART + 2), st.integers(1, PART + 200_000)
)
STEPS = st.one_of(
    st.tuples(st.sampled_from(["append", "checked", "spoiled", "cut", "cut checked"]), SIZES),
    st.tuples(st.sampled_from(["dies before 1", "dies after 1", "dies after 2"]), SIZES),
    st.tuples(st.sampled_from(["astray"]), st.integers(1, 1000)),
)


async def blocks(data: bytes, *, broken: bool = False) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), 100_000):
        yield data[begin : begin + 100_000]
    if broken:
        raise Interrupted("bad_request", "The body broke off.")


class Sender:
    """A client with a file, and what it has come to."""

    def __init__(self, tus: Tus, live: Live, data: bytes, place: str) -> None:
        self.tus = tus
        self.live = live
        self.data = data
        self.place = place
        self.offset = 0

    async def take(self, step: str, size: int) -> None:
        """One step; the offset must be what it says afterwards."""
        before, chunk = self.offset, self.data[self.offset : self.offset + size]
        if not chunk:
            return
        word = step.partition(" ")[0]
        least, most = before, before + len(chunk)
        if word in {"append", "checked"}:
            more = {"Upload_Checksum": checksum(chunk)} if word == "checked" else {}
            answer = await self.tus.append(self.place, before, chunk, **more)
            assert answer.status_code == 204, answer.text
            least = most
        elif word == "astray":
            answer = await self.tus.append(self.place, before + size, b"x")
            assert answer.status_code == 409
            most = before
        else:
            await self._harm(step, chunk)
            if step in {"spoiled", "cut checked"}:
                most = before
            if step == "cut":
                least = most
        self.offset = await self.tus.offset(self.place)
        assert least <= self.offset <= most, step

    async def _harm(self, step: str, chunk: bytes) -> None:
        hold = await hold_of(self.live, self.place, self.offset)
        store: Store = self.live.store
        if step.startswith("dies"):
            done, at = "after" in step, int(step[-1])
            store = Failing(store, at, done=done)  # type: ignore[assignment]  # passes the rest on
        wrong = checksum(b"something else", "sha256")
        appending = Appending(
            self.live.database,
            store,
            hold,
            max_bytes=len(self.data),
            checksum=parse_checksum(wrong) if step in {"spoiled", "cut checked"} else None,
        )
        try:
            await appending.run(blocks(chunk, broken=step.startswith("cut")))
        except (Interrupted, ChecksumMismatch, StoreUnavailable):
            pass
        except SpoolError as error:
            pytest.fail(f"{step}: {error}")
        await run_out(self.live.database, self.live.project_id, self.place)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    length=st.integers(1, _MOST),
    steps=st.lists(STEPS, max_size=8),
    seed=st.integers(0, 2**32),
    deferred=st.booleans(),
)
async def test_what_arrives_is_the_file(
    tus: Tus,
    live: Live,
    length: int,
    steps: Sequence[tuple[str, int]],
    seed: int,
    deferred: bool,
) -> None:
    data = random.Random(seed).randbytes(length)  # noqa: S311  # bytes to be seen again
    if deferred:
        place = await tus.begin(Upload_Defer_Length="1")
    else:
        place = await tus.begin(length)
    sender = Sender(tus, live, data, place)
    for step, size in steps:
        await sender.take(step, size)
    rest, more = data[sender.offset :], {"Upload_Length": str(length)} if deferred else {}
    answer = await tus.append(place, sender.offset, rest, **more)
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(length))
    assert await source_of(live, place) == data
    assert await left_in_store(live) == []
