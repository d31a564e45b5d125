"""The baseline of P7: Starlette and asyncpg, one route, one statement, nothing else.

The statement comes with the environment, being the one that Spool's API runs. Role and project are
settings of the connection, so that row-level security plans and filters as it does for Spool.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Baseline:
    """Args: arguments, of the statement; the asset's id takes the place of None."""

    dsn: str
    project_id: str
    sql: str
    arguments: list[str | None]
    pool_size: int
    port: int


def make_app(baseline: Baseline) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(
            baseline.dsn,
            min_size=baseline.pool_size,
            max_size=baseline.pool_size,
            server_settings={
                "role": "spool_app",
                "spool.project_id": baseline.project_id,
                "jit": "off",
            },
        )
        yield
        await app.state.pool.close()

    async def get_asset(request: Request) -> Response:
        asset_id = request.path_params["asset_id"]
        arguments = [asset_id if each is None else each for each in baseline.arguments]
        row = await request.app.state.pool.fetchrow(baseline.sql, *arguments)
        if row is None:
            return Response(status_code=404)
        # JSON columns come as text; the others as Python's own types.
        return Response(msgspec.json.encode(dict(row)), media_type="application/json")

    async def health(_request: Request) -> Response:
        return Response("ok")

    routes = [Route("/v1/assets/{asset_id}", get_asset), Route("/health", health)]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    baseline = Baseline(**json.loads(Path(sys.argv[1]).read_text()))
    uvicorn.run(
        make_app(baseline),
        host="127.0.0.1",
        port=baseline.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
