"""The API: what it is made of. `python -m app.asgi` serves it."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import cast

import uvicorn
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.exceptions import NotFoundException

from app.accounts.authentication import Credentials
from app.foundation.db.database import Database
from app.foundation.http.admission import Admission
from app.foundation.http.body import JsonRequest
from app.foundation.http.edge import Edge
from app.foundation.http.health import Check
from app.foundation.http.openapi import openapi_config
from app.foundation.http.problems import EXCEPTION_HANDLERS
from app.foundation.http.refusing import refusing_protocol
from app.foundation.http.static_files import STATIC
from app.foundation.http.transaction import DEPENDENCIES
from app.foundation.passwords import Passwords
from app.foundation.sealing import Sealer
from app.foundation.storage.protocols import Store
from app.foundation.telemetry.logging import configure_logging
from app.foundation.telemetry.tracing import configure_tracing, flush_tracing
from app.foundation.tokens import AccessTokens
from app.jobs.readiness import check_tasks
from app.notifications.listener import EventListener
from app.notifications.models import Origin
from app.roles import COMMON, ROLES, Access, not_served
from app.seams import make_delivery, make_outlets, make_store
from app.settings import MIB, Settings, load_settings


def create_app(
    settings: Settings, *, database: Database | None = None, store: Store | None = None
) -> Litestar:
    """Composes the API, or the role of it that the settings name.

    Args:
        database: Used and left open; made from the settings and closed at the end when None.
        store: The object store; that of the settings when None. A role without one ignores it.
    """
    role = ROLES[settings.role]
    own_database, own_store = database is None, store is None
    database = database or Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name="spool-api" if role.name == "all" else f"spool-api-{role.name}",
        info=make_outlets(settings, Origin.API).info,
    )
    access_tokens = AccessTokens(
        settings.signing_secrets,
        settings.signing_key_id,
        lifetime=timedelta(seconds=settings.access_token_seconds),
    )
    state = State(
        {
            "access_tokens": access_tokens,
            "authenticator": Credentials(database, access_tokens),
            "database": database,
            "passwords": Passwords(),
            "settings": settings,
            "sealer": Sealer(settings.signing_secrets, settings.signing_key_id),
        }
    )
    # What only some roles have: a process does not open what it does not use.
    checks: dict[str, Check] = {"database": database.now}
    if role.uses_store:
        store = store or make_store(settings)
        state.store = store
        checks["store"] = store.check
    if Access.TASKS in role.access:
        checks["queue"] = partial(check_tasks, database)
    if Access.DELIVERY in role.access:
        state.delivery = make_delivery(settings)
    state.readiness = checks
    listener = EventListener(database) if Access.EVENTS in role.access else None
    state.listener = listener

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        if listener is not None:
            await listener.start()
        try:
            yield
        finally:
            if listener is not None:
                await listener.close()
            if own_store and store is not None:
                store.close()
            if own_database:
                await database.close()
                # Here and not after `uvicorn.run`, which ends the process by the signal it got.
                await asyncio.to_thread(flush_tracing)

    app = Litestar(
        [Router("/v1", route_handlers=role.v1), *COMMON, *role.root],
        dependencies=DEPENDENCIES,
        exception_handlers={**EXCEPTION_HANDLERS, NotFoundException: not_served(role)},
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=openapi_config(version=version("spool"), static_root=STATIC),
        request_class=JsonRequest,
        # Of JSON; routes that take media say so themselves.
        request_max_body_size=MIB,
        state=state,
    )
    edge = Edge(app.asgi_handler, deadline_seconds=settings.request_timeout_seconds)
    app.asgi_handler = Admission(edge, most=settings.requests_at_once)
    return app


def main() -> None:
    settings = load_settings()
    service = "spool-api" if settings.role == "all" else f"spool-{settings.role}"
    configure_logging(settings, service=service)
    configure_tracing(settings, service)
    app = create_app(settings)
    # It stays as long as the process does: no collection needs to look through all of it.
    gc.freeze()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=refusing_protocol(cast("Admission", app.asgi_handler)),
        # Logging is ours: one line a request, from the edge.
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        # Event streams end when they are told to, and not by themselves.
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
