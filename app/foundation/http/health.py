"""What orchestrators and Prometheus ask: alive, ready, measurements. Open to all who reach it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

import structlog
from litestar import Controller, Request, Response, get
from msgspec import Meta, Struct
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from app.foundation.db.database import Database
from app.foundation.errors import Unavailable
from app.foundation.http.documentation import documented

# Raises when what it looks at cannot be used.
Check = Callable[[], Awaitable[object]]
_PATIENCE_SECONDS = 3.0
_log = structlog.get_logger(__name__)


class Health(Struct):
    status: Annotated[str, Meta(examples=["ok"])]


class Readiness(Struct):
    status: Annotated[str, Meta(examples=["ready"])]
    checks: Annotated[
        dict[str, str], Meta(examples=[{"database": "ok", "store": "ok", "queue": "ok"}])
    ]


class HealthController(Controller):
    tags = ("operation",)

    @get(
        "/health",
        operation_id="health",
        summary="Alive?",
        responses=documented({503: "unavailable"}),
    )
    async def health(self, request: Request[Any, Any, Any]) -> Health:
        """Say that the process answers. It asks nobody else, so a restart is the right remedy.

        So it is for a password that the database has taken back: it is read when a process starts.
        """
        database: Database = request.app.state.database
        if database.refused:
            raise Unavailable("unavailable", f"Not well: {database.refused}.")
        return Health("ok")

    @get(
        "/ready",
        operation_id="ready",
        summary="Ready?",
        responses=documented({503: "unavailable"}),
    )
    async def ready(self, request: Request[Any, Any, Any]) -> Readiness:
        """Say whether what this process uses can be used; 503 names what cannot.

        Database, store and queue; a process of one role has those that the role needs.
        """
        readiness: Mapping[str, Check] = request.app.state.readiness
        checks = await _run(readiness)
        failed = [name for name, found in checks.items() if found != "ok"]
        if failed:
            raise Unavailable(
                "unavailable",
                f"Not ready: {', '.join(failed)}.",
                extra={"checks": checks},
                headers={"Retry-After": "1"},
            )
        return Readiness("ready", checks)

    @get("/metrics", operation_id="metrics", summary="Measurements", media_type="text/plain")
    async def metrics(self) -> Response[bytes]:
        """Show all measurements in Prometheus' text format."""
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


async def _run(checks: Mapping[str, Check]) -> dict[str, str]:
    """The outcome of each check: `ok`, or what kind of error it was."""

    async def outcome(name: str, check: Check) -> str:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await check()
        except Exception as error:  # noqa: BLE001  # whatever it is, it means: not ready
            _log.warning("not ready", check=name, exc_info=error)
            return type(error).__name__
        return "ok"

    found = await asyncio.gather(*(outcome(name, check) for name, check in checks.items()))
    return dict(zip(checks, found, strict=True))
