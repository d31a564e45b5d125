"""What a process of each role serves, and what it has to be granted for that.

One image runs the whole API, or one role of it. A role mounts its own routes and what every process
has: health, measurements, error codes, and the documentation of what it mounts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.types import ControllerRouterHandler

from app.accounts.controller import AuthController
from app.accounts.key_controller import KeyController
from app.accounts.mail_controller import MailController
from app.accounts.project_controller import MemberController, ProjectController
from app.assets.controller import AssetController
from app.assets.interface_controller import AnalyticsController
from app.foundation.errors import NotFound
from app.foundation.http.error_codes import ErrorCodeController
from app.foundation.http.health import HealthController
from app.foundation.http.openapi import DocumentController
from app.foundation.http.problems import on_http_error, on_spool_error
from app.foundation.http.static_files import static_router
from app.foundation.http.store_controller import StoreController
from app.intake.controller import ArrivalController, StreamController
from app.jobs.controller import DeadLetterController, JobController, TaskController
from app.notifications.controller import DeliveryController, EventController
from app.paths import role_of
from app.playback.controller import PlaybackIdController
from app.playback.image_controller import ImageController
from app.playback.manifest_controller import ManifestController
from app.playback.media_controller import MediaController
from app.playback.page_controller import OEmbedController, PageController
from app.playback.playlist_controller import PlaylistController
from app.renditions.controller import RenditionController
from app.uploads.controller import UploadController
from app.uploads.simple_controller import SimpleUploadController, UploaderController
from app.uploads.tus_controller import TusController

Handlers = Sequence[ControllerRouterHandler]


class Access(StrEnum):
    """Something outside the process that a role uses. docs/roles.md says what it is on AWS."""

    ROWS = "database: spool_app, spool_gate"
    EVENTS = "database: LISTEN"
    TASKS = "task rows, and the queue they ring"
    READ = "object store: read"
    WRITE = "object store: write"
    DELIVERY = "delivery: sign for viewers"


@dataclass(frozen=True, slots=True)
class Role:
    """A share of the API.

    Args:
        v1: What it mounts under /v1.
        root: What it mounts at the root, beside what every process has.
        access: What it uses; it starts and is ready without all else.
    """

    name: str
    v1: Handlers
    root: Handlers
    access: frozenset[Access]

    @property
    def uses_store(self) -> bool:
        return bool(self.access & {Access.READ, Access.WRITE})


# Of every process.
COMMON: Handlers = (HealthController, ErrorCodeController, DocumentController, static_router())

_PARTS = (
    Role(
        "accounts",
        v1=(AuthController, ProjectController, MemberController, MailController, KeyController),
        root=(),
        access=frozenset({Access.ROWS}),
    ),
    # Whatever takes in bytes.
    Role(
        "uploader",
        v1=(SimpleUploadController, UploadController, TusController),
        root=(StoreController, UploaderController),
        access=frozenset({Access.ROWS, Access.TASKS, Access.READ, Access.WRITE}),
    ),
    Role(
        "catalog",
        v1=(
            AssetController,
            JobController,
            TaskController,
            DeadLetterController,
            RenditionController,
            PlaybackIdController,
            EventController,
            DeliveryController,
            ArrivalController,
            StreamController,
        ),
        root=(
            PageController,
            OEmbedController,
            MediaController,
            ImageController,
            PlaylistController,
            ManifestController,
        ),
        access=frozenset({Access.ROWS, Access.EVENTS, Access.TASKS, Access.READ, Access.DELIVERY}),
    ),
    Role("analytics", v1=(), root=(AnalyticsController,), access=frozenset({Access.ROWS})),
)

ROLES: Mapping[str, Role] = {part.name: part for part in _PARTS} | {
    "all": Role(
        "all",
        # In the order a video passes them.
        v1=tuple(handler for part in _PARTS for handler in part.v1),
        root=tuple(handler for part in _PARTS for handler in part.root),
        access=frozenset().union(*(part.access for part in _PARTS)),
    )
}


def not_served(
    role: Role,
) -> Callable[[Request[Any, Any, Any], NotFoundException], Response[Any]]:
    """Handles paths that have no route: those of another role get to know whose they are."""

    def answer(request: Request[Any, Any, Any], error: NotFoundException) -> Response[Any]:
        owner = role_of(request.scope["path"])
        if role.name in {"all", owner}:
            return on_http_error(request, error)
        elsewhere = NotFound(
            "not_found",
            f"This process serves the role {role.name}; this path is of the role {owner}.",
            extra={"serves": role.name, "role": owner},
        )
        return on_spool_error(request, elsewhere)

    return answer
