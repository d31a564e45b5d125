"""P9: lists do not slow down with what they are lists of.

A project with very many assets against one with a thousand, each in a database of its own; and, in
the large one, page 10 000 against page 1. By the service in a transaction, and over HTTP. The
goal's ten million rows take `--full`; without it there are a million.

    python -m tests.bench.p9_list [--pairs 5] [--quick] [--full]
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

import httpx
from pydantic import SecretStr

from app.assets.models import Asset
from app.assets.queries import Filter, filtered, list_assets
from app.assets.schemas import AssetSort
from app.foundation.db.database import Database
from app.foundation.paging import LIMIT_DEFAULT, encode_cursor
from tests.bench.installation import Installation, install, other_database
from tests.bench.pairs import (
    Comparison,
    Goal,
    Options,
    Report,
    Sample,
    in_turn,
    paired,
    percentile,
)
from tests.bench.programs import running_api
from tests.bench.report import run_alone
from tests.bench.uploading import make_key

_FEW = 1000
_PAGE = 10_000
_CALLS = 100
_SORT = AssetSort.CREATED_DESC

# In portions, so that one statement neither runs for minutes nor fills the log of a small disk.
_PORTION = 500_000
_INSERT = """
INSERT INTO assets (id, project_id, title, state, duration_ms, width, height, source_bytes,
                    created_at, updated_at)
SELECT 'ast_' || lpad(n::text, 26, '0'), '{project}', 'Video ' || n, 'ready', 60000, 1920, 1080,
       22400000, now() - make_interval(secs => {count} - n), now()
FROM generate_series({first}, {last}) AS n;
INSERT INTO playback_ids (id, project_id, asset_id, policy)
SELECT 'play' || lpad(n::text, 22, '0'), '{project}', 'ast_' || lpad(n::text, 26, '0'), 'public'
FROM generate_series({first}, {last}) AS n
"""


@dataclass(frozen=True, slots=True)
class Library:
    """A database whose one project has `count` assets, and its API."""

    database: Database
    project_id: str
    count: int
    url: str
    key: str


async def run(options: Options) -> Report:
    many = 10_000_000 if options.full else options.scaled(1_000_000, 20_000)
    calls = options.scaled(_CALLS, 5)
    report = Report("P9", "Lists of assets")
    async with install() as installation:
        small_side = await _fill(installation, _FEW)
        large_side = await _fill(installation, many)
        with ExitStack() as stack:
            libraries = []
            for side, project, count in (small_side, large_side):
                database = Database(side.settings.database_url.get_secret_value(), pool_size=2)
                key = await make_key(database, project)
                _, url = stack.enter_context(running_api(side))
                libraries.append(Library(database, project, count, url, key))
            few, lots = libraries
            page = min(_PAGE, many // LIMIT_DEFAULT // 2)
            cursor = await _cursor_of(lots, page)
            for way, ask in (("service", _by_service), ("HTTP", _by_http)):
                for name, a, b, goal in (
                    (f"{many:,} ÷ {_FEW:,} rows", (lots, None), (few, None), Goal("≤", 1.5)),
                    (f"page {page:,} ÷ page 1", (lots, cursor), (lots, None), Goal("≤", 1.2)),
                ):
                    runs = [_side(ask, library, start, calls) for library, start in (a, b)]
                    for once in runs:
                        await once()
                    pairs = paired(*await in_turn(options.pairs, *runs))
                    report.comparisons.append(
                        Comparison("P9", f"{name}, by {way}", "A", "B", "ms", pairs, goal)
                    )
            for library in libraries:
                await library.database.close()
    report.notes.append(
        f"Median of {calls} calls a run, {LIMIT_DEFAULT} assets a page, newest first."
    )
    return report


async def _fill(installation: Installation, count: int) -> tuple[Installation, str, int]:
    name = await installation.create_database(migrated=True)
    url = other_database(installation.settings.database_url.get_secret_value(), name)
    settings = installation.settings.model_copy(update={"database_url": SecretStr(url)})
    folder = installation.folder / name
    folder.mkdir()
    side = replace(installation, database_name=name, settings=settings, folder=folder)
    project = await side.add_project()
    for first in range(0, count, _PORTION):
        last = min(first + _PORTION, count) - 1
        await side.execute(_INSERT.format(project=project, count=count, first=first, last=last))
    await side.execute("VACUUM ANALYZE assets", "VACUUM ANALYZE playback_ids")
    return side, project, count


async def _cursor_of(library: Library, page: int) -> str:
    """The cursor that page `page - 1` gives, without reading all before it as pages."""
    query = (
        filtered(Filter())
        .with_only_columns(Asset.created_at, Asset.id)
        .order_by(Asset.created_at.desc(), Asset.id.desc())
        .offset((page - 1) * LIMIT_DEFAULT - 1)
        .limit(1)
    )
    async with library.database.project(library.project_id) as tx:
        row = (await tx.execute(query)).one()
    return encode_cursor(f"assets {_SORT.value} {Filter()}", tuple(row))


Ask = Callable[[Library, str | None, int], Awaitable[list[float]]]


def _side(
    ask: Ask, library: Library, cursor: str | None, calls: int
) -> Callable[[], Awaitable[Sample]]:
    async def once() -> Sample:
        return Sample(percentile(await ask(library, cursor, calls), 50) * 1000)

    return once


async def _by_service(library: Library, cursor: str | None, calls: int) -> list[float]:
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        async with library.database.project(library.project_id) as tx:
            page = await list_assets(
                tx, Filter(), sort=_SORT, limit=LIMIT_DEFAULT, cursor=cursor, public_url=""
            )
        seconds.append(time.perf_counter() - began)
        _require_full(len(page.items))
    return seconds


async def _by_http(library: Library, cursor: str | None, calls: int) -> list[float]:
    seconds = []
    headers = {"Authorization": f"Bearer {library.key}"}
    params = {"cursor": cursor} if cursor else {}
    async with httpx.AsyncClient(base_url=library.url, headers=headers, trust_env=False) as client:
        for _ in range(calls):
            began = time.perf_counter()
            answer = await client.get("/v1/assets", params=params)
            seconds.append(time.perf_counter() - began)
            _require_full(len(answer.raise_for_status().json()["items"]))
    return seconds


def _require_full(items: int) -> None:
    if items != LIMIT_DEFAULT:
        raise RuntimeError(f"a page of {items} assets measures something else")


if __name__ == "__main__":
    run_alone(run)
