"""P8: a file through presigned parts, four at once, against one plain PUT to the same store.

Both sides send the same file to the same API process, which is the store of one machine: A creates
an upload, sends parts of 16 MiB and completes; B is a single PUT to a signed URL of the store.
Then the API's memory (peak resident set) after a large file less that after a small one, each in a
process of its own. On one machine the API carries the bytes, being the store; on S3 it never does.

    python -m tests.bench.p8_upload [--pairs 5] [--quick] [--full]
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx

from app.cli.api import Api
from app.foundation.storage.protocols import Store
from app.seams import make_store
from tests.bench.installation import Installation, install
from tests.bench.machine import peak_resident_bytes
from tests.bench.pairs import (
    Comparison,
    Figure,
    Goal,
    Options,
    Report,
    Sample,
    in_turn,
    paired,
)
from tests.bench.programs import Program, running_api
from tests.bench.report import run_alone
from tests.bench.uploading import api_client, make_file, make_key, upload

_MIB = 1024 * 1024
_FILE_MIB = 512
_LARGE_MIB, _FULL_MIB, _SMALL_MIB = 1024, 5 * 1024, 50
_BLOCK = _MIB


async def run(options: Options) -> Report:
    size = options.scaled(_FILE_MIB, 32) * _MIB
    large = (_FULL_MIB if options.full else options.scaled(_LARGE_MIB, 64)) * _MIB
    small = options.scaled(_SMALL_MIB, 16) * _MIB
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            key = await make_key(database, project)
        file = make_file(installation.folder / "file.mp4", size)
        with running_api(installation) as (program, url), api_client(url, key) as api:
            store = _served_by(installation, url)
            parts = in_parts(installation, program, store, api, file)
            plain = in_one(installation, program, store, file)
            for side in (parts, plain):  # so that the file lies in the page cache
                await side()
            pairs = paired(*await in_turn(options.pairs, parts, plain))
        memory = [await _peak_after(installation, key, each) for each in (large, small)]
    what = f"{size // _MIB} MiB upload"
    growth = (memory[0] - memory[1]) / _MIB
    return Report(
        "P8",
        "Uploads",
        [Comparison("P8", what, "parts", "one PUT", "MiB/s", pairs, Goal("≥", 0.95))],
        [
            Figure(
                "P8",
                f"API's peak memory, {large // _MIB} MiB less {small // _MIB} MiB",
                "MiB",
                growth,
                1,
                Goal("≤", 32),
            ),
            Figure("P8", f"API's peak memory, {small // _MIB} MiB", "MiB", memory[1] / _MIB, 1),
        ],
        ["CPU is the API's; the client runs in the benchmark's process, on the same machine."],
    )


def in_parts(
    installation: Installation, program: Program, store: Store, api: Api, file: Path
) -> Callable[[], Awaitable[Sample]]:
    """A side that sends the file as clients do: create, parts, complete."""

    def send() -> float:
        began = time.perf_counter()
        upload(api, installation.folder, file)
        return time.perf_counter() - began

    return _side(installation, program, store, file, send)


def _served_by(installation: Installation, url: str) -> Store:
    """The store whose signed URLs lead to the API at `url`."""
    return make_store(installation.settings.model_copy(update={"public_url": url}))


def in_one(
    installation: Installation, program: Program, store: Store, file: Path
) -> Callable[[], Awaitable[Sample]]:
    """A side that sends the file in one signed PUT."""

    def send() -> float:
        request = store.sign_put(
            "bench/plain.mp4", expires=timedelta(minutes=10), size=file.stat().st_size
        )
        headers = {**request.headers, "Content-Length": str(file.stat().st_size)}
        with httpx.Client(timeout=120, trust_env=False) as http:
            began = time.perf_counter()
            answer = http.request("PUT", request.url, headers=headers, content=_blocks(file))
            seconds = time.perf_counter() - began
        answer.raise_for_status()
        return seconds

    return _side(installation, program, store, file, send)


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            yield block


def _side(
    installation: Installation,
    program: Program,
    store: Store,
    file: Path,
    send: Callable[[], float],
) -> Callable[[], Awaitable[Sample]]:
    mebibytes = file.stat().st_size / _MIB

    async def once() -> Sample:
        before, postgres_before = program.cpu_seconds(), installation.postgres_cpu_seconds()
        seconds = await asyncio.to_thread(send)
        sample = Sample(
            mebibytes / seconds,
            program.cpu_seconds() - before,
            installation.postgres_cpu_seconds() - postgres_before,
        )
        # Each run begins with an empty store. Parts make a new object each time and one PUT
        # replaces its own: else memory and disk would fill for one side alone. And what a run
        # wrote must not be flushed to disk at the cost of the next.
        await store.delete_prefix("")
        await asyncio.to_thread(os.sync)
        return sample

    return once


async def _peak_after(installation: Installation, key: str, size: int) -> int:
    """The API's peak memory in bytes after one upload of a sparse file."""
    file = installation.folder / f"sparse-{size}.mp4"
    with file.open("wb") as opened:
        opened.truncate(size)
    with running_api(installation) as (program, url), api_client(url, key) as api:
        await asyncio.to_thread(upload, api, installation.folder, file)
        return peak_resident_bytes(program.pid)


if __name__ == "__main__":
    run_alone(run)
