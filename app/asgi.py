"""The API: what it is made of. `python -m app.asgi` serves it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

import uvicorn
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from app.accounts.authentication import Credentials
from app.accounts.controller import AuthController
from app.accounts.key_controller import KeyController
from app.accounts.project_controller import MemberController, ProjectController
from app.assets.controller import AssetController
from app.assets.interface_controller import AnalyticsController
from app.foundation.db.database import Database
from app.foundation.http.body import JsonRequest
from app.foundation.http.edge import Edge
from app.foundation.http.error_codes import ErrorCodeController
from app.foundation.http.health import HealthController
from app.foundation.http.openapi import DocumentController, openapi_config
from app.foundation.http.problems import EXCEPTION_HANDLERS
from app.foundation.http.static_files import STATIC, static_router
from app.foundation.http.store_controller import StoreController
from app.foundation.http.transaction import DEPENDENCIES, Store
from app.foundation.passwords import Passwords
from app.foundation.sealing import Sealer
from app.foundation.telemetry.logging import configure_logging
from app.foundation.telemetry.tracing import configure_tracing
from app.foundation.tokens import AccessTokens
from app.jobs.controller import DeadLetterController, JobController, TaskController
from app.notifications.controller import EventController
from app.notifications.listener import EventListener
from app.playback.controller import PlaybackIdController
from app.playback.image_controller import ImageController
from app.playback.manifest_controller import ManifestController
from app.playback.media_controller import MediaController
from app.playback.page_controller import OEmbedController, PageController
from app.renditions.controller import RenditionController
from app.seams import make_store
from app.settings import MIB, Settings, load_settings
from app.uploads.controller import UploadController
from app.uploads.simple_controller import SimpleUploadController, UploaderController

# In the order a video passes them. Under /v1.
V1: Sequence[ControllerRouterHandler] = (
    AuthController,
    ProjectController,
    MemberController,
    KeyController,
    SimpleUploadController,
    UploadController,
    AssetController,
    JobController,
    TaskController,
    DeadLetterController,
    RenditionController,
    PlaybackIdController,
    EventController,
)
# Served from the root: pages, the store behind signed URLs, health.
ROOT: Sequence[ControllerRouterHandler] = (
    HealthController,
    ErrorCodeController,
    DocumentController,
    StoreController,
    UploaderController,
    AnalyticsController,
    static_router(),
    PageController,
    OEmbedController,
    MediaController,
    ImageController,
    ManifestController,
)


def create_app(
    settings: Settings, *, database: Database | None = None, store: Store | None = None
) -> Litestar:
    """Composes the API.

    Args:
        database: Used and left open; made from the settings and closed at the end when None.
        store: The object store; that of the settings when None.
    """
    store = store or make_store(settings)
    own_database = database is None
    database = database or Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name="spool-api",
    )

    listener = EventListener(database)
    access_tokens = AccessTokens(
        settings.signing_secrets,
        settings.signing_key_id,
        lifetime=timedelta(seconds=settings.access_token_seconds),
    )

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        await listener.start()
        try:
            yield
        finally:
            await listener.close()
            if own_database:
                await database.close()

    app = Litestar(
        [Router("/v1", route_handlers=V1), *ROOT],
        dependencies=DEPENDENCIES,
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=openapi_config(version=version("spool"), static_root=STATIC),
        request_class=JsonRequest,
        # Of JSON; routes that take media say so themselves.
        request_max_body_size=MIB,
        state=State(
            {
                "access_tokens": access_tokens,
                "authenticator": Credentials(database, access_tokens),
                "database": database,
                "listener": listener,
                "passwords": Passwords(),
                "settings": settings,
                "store": store,
                "sealer": Sealer(settings.signing_secrets, settings.signing_key_id),
            }
        ),
    )
    app.asgi_handler = Edge(app.asgi_handler, deadline_seconds=settings.request_timeout_seconds)
    return app


def main() -> None:
    settings = load_settings()
    configure_logging(settings, service="spool-api")
    configure_tracing("spool-api")
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        # Logging is ours: one line a request, from the edge.
        log_config=None,
        access_log=False,
        server_header=False,
        # Event streams end when they are told to, and not by themselves.
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
