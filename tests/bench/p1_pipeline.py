"""P1: the whole pipeline against FFmpeg alone.

A is what a worker takes for a video, from `started_at` of its probe to `finished_at` of its
publication, by the database's clock: probe, encode, package, images, verify, publish, with all
claims, writes and waits between them. (The check of the upload comes before; export and sweep come
after.) B is FFmpeg with the very arguments of A's encode, on the same source, started by nobody
but the benchmark. CPU is that of the worker's process with all its children, and FFmpeg's.

    python -m tests.bench.p1_pipeline [--pairs 5] [--quick]
"""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import asyncpg
import msgspec

from app.cli.api import Api
from tests.bench.clip import cut_clip
from tests.bench.installation import Installation, install
from tests.bench.pairs import Comparison, Goal, Options, Report, Sample, in_turn, paired
from tests.bench.programs import Program, running_api, running_worker
from tests.bench.report import run_alone
from tests.bench.uploading import api_client, make_key, upload
from workers.actors.stages import Layout
from workers.pipeline.command import encode_command
from workers.pipeline.ffmpeg import Ffmpeg, find_ffmpeg

_CLIPS = ((10, 1.15), (60, 1.05))
_CPU_GOAL = 1.03
_POLL_SECONDS = 0.1
_MOST_SECONDS = 1200

_TIMES = """
SELECT extract(epoch FROM max(finished_at) FILTER (WHERE kind = 'publish')
                        - min(started_at) FILTER (WHERE kind = 'probe'))::float8
FROM tasks WHERE asset_id = $1
"""
_STATE = "SELECT state FROM assets WHERE id = $1"
_OPEN = """
SELECT count(*) FROM tasks WHERE asset_id = $1
AND state IN ('pending', 'ready', 'leased', 'retry_wait')
"""
_LAYOUT = "SELECT result FROM tasks WHERE asset_id = $1 AND kind = 'probe'"
_STEPS = """
SELECT kind, extract(epoch FROM finished_at - started_at)::float8 AS seconds
FROM tasks WHERE asset_id = $1 ORDER BY started_at
"""


async def run(options: Options) -> Report:
    ffmpeg = find_ffmpeg()
    report = Report("P1", "The pipeline against FFmpeg alone")
    report.notes.append(f"FFmpeg {ffmpeg.version}.")
    clips = _CLIPS[:1] if options.quick else _CLIPS
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            key = await make_key(database, project)
        with (
            running_api(installation) as (_, url),
            api_client(url, key) as api,
            running_worker(installation) as worker,
        ):
            for seconds, limit in clips:
                clip = installation.folder / f"{seconds}s.mp4"
                length = options.scaled(seconds, 2)
                what = cut_clip(ffmpeg, length, clip)
                bench = _Pipeline(installation, api, worker, ffmpeg, clip)
                pairs = paired(*await in_turn(options.pairs, bench.whole, bench.ffmpeg_alone))
                report.comparisons.append(
                    Comparison(
                        "P1",
                        f"{length} s of 1080p video",
                        "pipeline",
                        "FFmpeg",
                        "s",
                        pairs,
                        Goal("≤", limit),
                        Goal("≤", _CPU_GOAL),
                    )
                )
                report.notes.append(f"{length} s: {what}. Steps of the last run: {bench.steps}.")
    return report


class _Pipeline:
    """A clip that goes through everything, or through FFmpeg alone."""

    def __init__(
        self, installation: Installation, api: Api, worker: Program, ffmpeg: Ffmpeg, clip: Path
    ) -> None:
        self._installation = installation
        self._api = api
        self._worker = worker
        self._ffmpeg = ffmpeg
        self._clip = clip
        self._layout: Layout | None = None
        self.steps = ""

    async def whole(self) -> Sample:
        connection = await asyncpg.connect(self._installation.admin_dsn)
        try:
            return await self._whole(connection)
        finally:
            await connection.close()

    async def _whole(self, connection: "asyncpg.Connection[asyncpg.Record]") -> Sample:
        cpu_before = self._worker.cpu_seconds()
        postgres_before = self._installation.postgres_cpu_seconds()
        asset = await asyncio.to_thread(upload, self._api, self._installation.folder, self._clip)
        deadline = time.monotonic() + _MOST_SECONDS
        while (state := await connection.fetchval(_STATE, asset)) != "ready":
            if state == "failed" or time.monotonic() > deadline:
                raise RuntimeError(f"the asset is {state}:\n{self._worker.last_words()}")
            await asyncio.sleep(_POLL_SECONDS)
        cpu_seconds = self._worker.cpu_seconds() - cpu_before
        postgres_seconds = self._installation.postgres_cpu_seconds() - postgres_before
        # Export and sweep must not run beside the other side.
        while await connection.fetchval(_OPEN, asset):  # noqa: ASYNC110  # another process ends it
            await asyncio.sleep(_POLL_SECONDS)
        result = await connection.fetchval(_LAYOUT, asset)
        self._layout = msgspec.json.decode(result, type=Layout)
        steps = await connection.fetch(_STEPS, asset)
        self.steps = ", ".join(f"{step['kind']} {step['seconds']:.2f} s" for step in steps)
        return Sample(await connection.fetchval(_TIMES, asset), cpu_seconds, postgres_seconds)

    async def ffmpeg_alone(self) -> Sample:
        if self._layout is None:
            raise RuntimeError("the pipeline comes first: it says what to encode")
        out = self._installation.folder / "bare"
        out.mkdir()
        argv = encode_command(self._ffmpeg, self._clip, self._layout.probe, self._layout.plan, out)
        began = time.perf_counter()
        cpu_seconds = await asyncio.to_thread(_run, argv, out)
        seconds = time.perf_counter() - began
        shutil.rmtree(out)
        return Sample(seconds, cpu_seconds)


def _run(argv: list[str], folder: Path) -> float:
    """CPU seconds of a program that ends well."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env={"LANG": "C"}
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((folder / "log").read_text(errors="replace"))
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    run_alone(run)
