"""A whole file in one request: the body itself, or a form with a file in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import QueryParameter

from app.foundation.auth import Principal, requires
from app.foundation.db.database import Database
from app.foundation.http.documentation import documented
from app.foundation.http.edge import NO_DEADLINE
from app.foundation.http.idempotency import IdempotencyKey
from app.foundation.http.streamed import StreamedOnce
from app.foundation.http.transaction import Config, Db, Me, Objects
from app.foundation.storage.protocols import Store
from app.playback.models import PlaybackPolicy
from app.uploads import simple
from app.uploads.intake import FORM, Incoming, open_body
from app.uploads.models import Upload
from app.uploads.policy import UploadPolicy
from app.uploads.schemas import DEFAULT_MEDIA_TYPE, UploadedVideo, UploadView

FilenameQuery = Annotated[
    str | None,
    QueryParameter(
        required=False,
        max_length=1024,
        description="The file's name. A form says it itself.",
    ),
]
TitleQuery = Annotated[
    str | None,
    QueryParameter(
        required=False,
        max_length=200,
        description="Of the video. Without it: the file's name without its ending.",
    ),
]
PolicyQuery = Annotated[
    PlaybackPolicy,
    QueryParameter(required=False, description="Of the asset's first playback id."),
]
Sha256Query = Annotated[
    str | None,
    QueryParameter(
        required=False,
        pattern="^[0-9A-Fa-f]{64}$",
        description="Of the file. What arrives is refused if it has another one.",
    ),
]


@dataclass
class FileOperation(Operation):
    """Tells the OpenAPI document of a body that no schema stands for."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, content_media_type=DEFAULT_MEDIA_TYPE)
        title = Schema(type=OpenAPIType.STRING)
        form = Schema(
            type=OpenAPIType.OBJECT, properties={"file": file, "title": title}, required=["file"]
        )
        self.request_body = RequestBody(
            description="The file as it is, or a form with one file and perhaps a title.",
            required=True,
            content={
                DEFAULT_MEDIA_TYPE: OpenAPIMediaType(schema=file),
                "video/*": OpenAPIMediaType(schema=file),
                FORM: OpenAPIMediaType(schema=form),
            },
        )


_DESCRIPTION = (
    "Up to 500 MB, streamed to the object store as it arrives. What announces more is refused "
    "before it is read; without a Content-Length it is cut off at the limit. An upload that breaks "
    "off expires. Larger files, and those that should survive a break, go in parts."
)
_ANSWERS = documented(
    {
        400: "bad_request",
        413: "upload_too_large",
        422: ("upload_empty", "validation_failed", "idempotency_key_reused"),
    }
)


class SimpleUploadController(Controller):
    path = "/uploads/simple"
    tags = ("uploads",)
    # Both routes stream: they have no deadline, and limits that they tell of in their own words.
    opt = {NO_DEADLINE: True}  # noqa: RUF012  # Litestar reads it so
    request_max_body_size = None

    @post(
        guards=[requires("uploads:write")],
        operation_id="upload_file",
        summary="Upload a file in one request",
        description=_DESCRIPTION,
        responses=_ANSWERS,
        operation_class=FileOperation,
    )
    async def upload_file(
        self,
        request: Request[Any, Any, Any],
        principal: Me,
        settings: Config,
        database: Db,
        store: Objects,
        filename: FilenameQuery = None,
        title: TitleQuery = None,
        playback_policy: PolicyQuery = PlaybackPolicy.PUBLIC,
        sha256: Sha256Query = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[UploadView]:
        policy = UploadPolicy.of(settings)
        incoming = await open_body(
            request,
            policy,
            filename=filename,
            title=title,
            playback_policy=playback_policy,
            sha256=sha256,
            sender=principal.user_id,
        )
        once = _once(request, principal, incoming, idempotency_key)
        taking = _Taking(database, store, policy, principal.project_id, once)
        return await taking.take(incoming, UploadView.of, status=201)


class UploaderController(Controller):
    path = "/api/uploader"
    tags = ("interfaces",)
    opt = {NO_DEADLINE: True}  # noqa: RUF012  # Litestar reads it so
    request_max_body_size = None

    @post(
        "/upload",
        status_code=200,
        guards=[requires("uploads:write")],
        operation_id="uploader_upload",
        summary="Upload a video",
        description=_DESCRIPTION,
        responses=_ANSWERS,
        operation_class=FileOperation,
    )
    async def upload(
        self,
        request: Request[Any, Any, Any],
        principal: Me,
        settings: Config,
        database: Db,
        store: Objects,
        filename: FilenameQuery = None,
        title: TitleQuery = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[UploadedVideo]:
        policy = UploadPolicy.of(settings)
        incoming = await open_body(
            request,
            policy,
            filename=filename,
            title=title,
            playback_policy=PlaybackPolicy.PUBLIC,
            sha256=None,
            sender=principal.user_id,
        )
        once = _once(request, principal, incoming, idempotency_key)
        taking = _Taking(database, store, policy, principal.project_id, once)
        return await taking.take(incoming, UploadedVideo.of, status=200)


def _once(
    request: Request[Any, Any, Any], principal: Principal, incoming: Incoming, key: str | None
) -> StreamedOnce:
    # The boundary of a form, and with it the length, is another one each time.
    length = None if incoming.is_form else request.content_length
    known = f"{incoming.file.filename} {length}"
    return StreamedOnce(request, principal.project_id, key, body=known)


@dataclass(frozen=True, slots=True)
class _Taking:
    """Two short transactions, and the stream between them."""

    database: Database
    store: Store
    policy: UploadPolicy
    project_id: str
    once: StreamedOnce

    async def take(
        self, incoming: Incoming, view: Callable[[Upload], Any], *, status: int
    ) -> Response[Any]:
        async with self.database.project(self.project_id) as tx:
            if kept := await self.once.replay(tx):
                return kept
        upload_id, size = await simple.receive(
            self.database, self.store, self.policy, self.project_id, incoming.file, incoming.chunks
        )
        late_title = incoming.fields.get("title") if incoming.file.title is None else None
        async with self.database.project(self.project_id) as tx:
            if kept := await self.once.replay(tx):
                await simple.withdraw(tx, self.store, upload_id)
                return kept
            upload = await simple.accept(tx, upload_id, size, title=late_title)
            return await self.once.keep(tx, view(upload), status)
