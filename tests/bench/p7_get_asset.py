"""P7: GET /v1/assets/{id} with an API key, row-level security and tracing.

A is the API as it is served, in one process. B is Starlette with asyncpg, which runs the same
statement under the same row-level security and checks nothing, on the same uvicorn with the same
settings. Both have ten connections to the same server.

    python -m tests.bench.p7_get_asset [--pairs 5] [--quick]
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import event

from app.assets.queries import get_detail
from app.foundation.db.database import Database
from tests.bench.bare_api import Baseline
from tests.bench.installation import Installation, install
from tests.bench.load import Load, apply_load, generator
from tests.bench.pairs import (
    Comparison,
    Figure,
    Goal,
    Options,
    Report,
    Sample,
    in_turn,
    paired,
    percentile,
)
from tests.bench.programs import Program, await_answer, running, running_api
from tests.bench.published_asset import Published, publish_asset
from tests.bench.report import run_alone
from tests.ports import unused_port

CONNECTIONS = 32
_SECONDS = 5
_POOL = 10


async def run(options: Options) -> Report:
    seconds = options.scaled(_SECONDS, 1)
    async with install() as installation:
        project = await installation.add_project()
        async with installation.database() as database:
            published = await publish_asset(database, project)
            baseline = await _baseline(installation, database, published)
        with running_api(installation) as (api, url):
            async with _bare(installation, baseline) as bare:
                path = f"/v1/assets/{published.asset_id}"
                ours_at = Load(url + path, published.headers, CONNECTIONS, seconds)
                bare_url = f"http://127.0.0.1:{baseline.port}{path}"
                bare_at = Load(bare_url, published.headers, CONNECTIONS, seconds)
                ours_once = _side(installation, api, ours_at)
                bare_once = _side(installation, bare, bare_at)
                for side in (ours_once, bare_once):
                    await side()
                ours, theirs = await in_turn(options.pairs, ours_once, bare_once)
                half = percentile([sample.value for sample in ours], 50) / 2
                paced = Load(url + path, published.headers, CONNECTIONS, seconds * 2, half)
                answers = await apply_load(paced)
    what = f"GET an asset, {CONNECTIONS} connections"
    report = Report("P7", "GET an asset")
    report.comparisons.append(
        Comparison("P7", what, "Spool", "Starlette", "req/s", paired(ours, theirs), Goal("≥", 0.7))
    )
    for name, samples in (("Spool", ours), ("Starlette", theirs)):
        microseconds = [_per_request(sample, seconds) for sample in samples]
        value = percentile(microseconds, 50)
        report.figures.append(Figure("P7", f"CPU per request, {name}", "µs", value, len(samples)))
    for percent, goal in ((50, None), (99, Goal("≤", 50))):
        name = f"p{percent} at half load ({half:.0f}/s)"
        milliseconds = 1000 * percentile(answers.latencies, percent)
        report.figures.append(Figure("P7", name, "ms", milliseconds, len(answers.latencies), goal))
    report.notes.append(
        f"Load by {generator()}, the paced load by tests.bench.load, on the same machine."
    )
    return report


def _per_request(sample: Sample, seconds: float) -> float:
    return (sample.cpu_seconds or 0.0) / (sample.value * seconds) * 1e6


def _side(
    installation: Installation, server: Program, load: Load
) -> Callable[[], Awaitable[Sample]]:
    async def once() -> Sample:
        before, postgres_before = server.cpu_seconds(), installation.postgres_cpu_seconds()
        answers = await apply_load(load)
        return Sample(
            answers.per_second,
            server.cpu_seconds() - before,
            installation.postgres_cpu_seconds() - postgres_before,
        )

    return once


async def _baseline(
    installation: Installation, database: Database, published: Published
) -> Baseline:
    """The API's own SELECT, as SQLAlchemy hands it to asyncpg."""
    said: list[tuple[str, tuple[Any, ...]]] = []
    async with database.project(published.project_id) as tx:

        def note(_c: object, _cursor: object, sql: str, arguments: Any, *_more: object) -> None:
            said.append((sql, tuple(arguments)))

        engine = database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        await get_detail(tx, published.asset_id, "")
        event.remove(engine, "before_cursor_execute", note)
    ((sql, arguments),) = said
    return Baseline(
        dsn=installation.app_dsn,
        project_id=published.project_id,
        sql=sql,
        arguments=[None if each == published.asset_id else each for each in arguments],
        pool_size=_POOL,
        port=unused_port(),
    )


@asynccontextmanager
async def _bare(installation: Installation, baseline: Baseline) -> AsyncIterator[Program]:
    file = installation.folder / "baseline.json"
    file.write_text(json.dumps(asdict(baseline)))
    output = installation.folder / "bare.log"
    with running(["tests.bench.bare_api", str(file)], {}, output) as program:
        await_answer(program, f"http://127.0.0.1:{baseline.port}/health")
        yield program


if __name__ == "__main__":
    run_alone(run)
