"""tus 1.0.0, under /v1/tus: uploads that go on where they broke off, for clients that speak it."""

from typing import Any

from litestar import Controller, Response, delete, head, patch, post, route
from litestar.di import NamedDependency, Provide
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException
from litestar.params import FromPath, SkipValidation
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.auth import requires
from app.foundation.errors import BadRequest
from app.foundation.http.documentation import documented
from app.foundation.http.edge import NO_DEADLINE
from app.foundation.http.idempotency import IdempotencyKey
from app.foundation.http.streamed import StreamedOnce
from app.foundation.http.transaction import Config, Db, Me, Objects, Tx
from app.foundation.storage.protocols import Store
from app.uploads import tus_answers as answers
from app.uploads import tus_headers as headers
from app.uploads.intake import body_of
from app.uploads.policy import UploadPolicy
from app.uploads.service import cancel_upload
from app.uploads.tus_concat import join
from app.uploads.tus_parameters import (
    ANY,
    WRITING,
    ChecksumHeader,
    ChunkOperation,
    Concatenation,
    Deferred,
    Length,
    Metadata,
    Offset,
    Version,
)
from app.uploads.tus_requests import AnyRequest, first_chunk, length_of, require_chunk
from app.uploads.tus_service import Creation, create, find_living, look
from app.uploads.tus_writing import Patch, Place, write

_GUARDS = [requires("uploads:write")]
Target = NamedDependency[SkipValidation[Place]]


def provide_place(
    principal: Me, settings: Config, database: Db, store: Objects, upload_id: FromPath[str]
) -> Place:
    policy = UploadPolicy.of(settings)
    return Place(database, store, policy, principal.project_id, upload_id)


class TusController(Controller):
    path = "/tus"
    tags = ("uploads",)
    # Bodies are streamed: without a deadline, and with limits that are told in the protocol's way.
    opt = {NO_DEADLINE: True}  # noqa: RUF012  # Litestar reads it so
    request_max_body_size = None
    middleware = (answers.tus_answers,)
    dependencies = {"place": Provide(provide_place, sync_to_thread=False)}  # noqa: RUF012  # Litestar reads it so

    @post(
        status_code=201,
        guards=_GUARDS,
        operation_id="tus_create",
        summary="Begin a tus upload",
        description="Location is where the bytes go; the body may have the first of them. "
        "`Spool-Asset-Id` is the video's id, which a partial upload has none of.",
        responses=documented(WRITING | ANY | {422: ("upload_empty", "validation_failed")}),
        operation_class=ChunkOperation,
    )
    async def create(
        self,
        request: AnyRequest,
        principal: Me,
        settings: Config,
        database: Db,
        store: Objects,
        version: Version = None,
        length: Length = None,
        deferred: Deferred = None,
        metadata: Metadata = None,
        concat: Concatenation = None,
        checksum: ChecksumHeader = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Any]:
        answers.require_version(version)
        policy = UploadPolicy.of(settings)
        known = f"{length} {deferred} {metadata} {concat}"
        once = StreamedOnce(request, principal.project_id, idempotency_key, body=known)
        final = (concat or "").startswith("final;")
        size = length_of(length, deferred, final=final, concat=concat)
        first = first_chunk(request, checksum)
        file = headers.announced_by(headers.parse_metadata(metadata or ""), size)
        async with database.project(principal.project_id) as tx:
            if kept := await once.replay(tx):
                return kept
            if final and concat is not None:
                upload = await join(
                    tx,
                    policy,
                    principal.project_id,
                    file=file,
                    metadata_header=metadata or "",
                    concat_header=concat,
                    partial_ids=headers.parse_partials(concat),
                )
            else:
                wanted = Creation(file, metadata or "", partial=concat == "partial")
                upload = await create(tx, store, policy, principal.project_id, wanted)
            _, tus = await find_living(tx, upload.id)
            told = {
                "Location": f"{settings.public_url}{headers.PATH}/{upload.id}",
                **answers.progress(upload, tus),
                **answers.about(upload),
            }
            answer: Response[Any] = await once.keep(tx, None, 201, headers=told)
        if first is not None and not final:
            place = Place(database, store, policy, principal.project_id, upload.id)
            written = await write(place, first, body_of(request))
            answer = Response(None, status_code=201, headers=told | answers.progress(*written))
        return answer

    @head(
        "/{upload_id:str}",
        guards=_GUARDS,
        operation_id="tus_offset",
        summary="Ask how far a tus upload is",
        description="`Upload-Offset` is what has arrived for good: go on from there.",
        responses=documented(ANY | {410: ("upload_expired", "upload_gone")}),
    )
    async def offset(
        self, tx: Tx, store: Objects, upload_id: FromPath[str], version: Version = None
    ) -> Response[None]:
        answers.require_version(version)
        return Response(None, headers=answers.description(*await look(tx, store, upload_id)))

    @patch(
        "/{upload_id:str}",
        status_code=204,
        guards=_GUARDS,
        operation_id="tus_append",
        summary="Send bytes of a tus upload",
        description="What breaks off counts as far as it came, unless it has a checksum. The last "
        "byte completes the upload.",
        responses=documented(WRITING | ANY | {403: "upload_state"}),
        operation_class=ChunkOperation,
    )
    async def send(
        self,
        request: AnyRequest,
        place: Target,
        version: Version = None,
        offset: Offset = None,
        length: Length = None,
        checksum: ChecksumHeader = None,
    ) -> Response[None]:
        return await _append(
            request,
            place,
            version=version,
            offset=offset,
            length=length,
            checksum=checksum,
        )

    @delete(
        "/{upload_id:str}",
        guards=_GUARDS,
        operation_id="tus_terminate",
        summary="Call a tus upload off",
        description="What has arrived is removed, and the asset with it. An upload that is "
        "complete cannot be called off; delete its asset.",
        responses=documented(ANY | {409: "upload_state", 410: ("upload_expired", "upload_gone")}),
    )
    async def terminate(
        self, tx: Tx, store: Objects, upload_id: FromPath[str], version: Version = None
    ) -> None:
        answers.require_version(version)
        await _terminate(tx, store, upload_id)

    # Litestar takes handlers in the order of their names, and makes an OPTIONS of its own unless
    # the first of a path is one: hence `ask`.
    @route(http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def ask(self, settings: Config) -> Response[None]:
        return answers.capabilities(settings.upload_max_bytes)

    @route("/{upload_id:str}", http_method=HttpMethod.OPTIONS, include_in_schema=False)
    async def ask_of_upload(self, settings: Config, upload_id: FromPath[str]) -> Response[None]:  # noqa: ARG002  # of the path
        return answers.capabilities(settings.upload_max_bytes)

    @post("/{upload_id:str}", guards=_GUARDS, include_in_schema=False)
    async def overridden(self, request: AnyRequest, place: Target) -> Response[None]:
        """What a proxy does not let through comes as a POST that says what it is."""
        given = request.headers
        version = given.get("tus-resumable")
        match given.get("x-http-method-override", "").upper():
            case "PATCH":
                return await _append(
                    request,
                    place,
                    version=version,
                    offset=given.get("upload-offset"),
                    length=given.get("upload-length"),
                    checksum=given.get("upload-checksum"),
                )
            case "HEAD":
                answers.require_version(version)
                async with place.database.project(place.project_id) as tx:
                    found = await look(tx, place.store, place.upload_id)
                    told = answers.description(*found)
                return Response(None, status_code=200, headers=told)
            case "DELETE":
                answers.require_version(version)
                async with place.database.project(place.project_id) as tx:
                    await _terminate(tx, place.store, place.upload_id)
                return Response(None, status_code=204)
            case "OPTIONS":
                return answers.capabilities(place.policy.max_bytes)
            case _:
                raise HTTPException(status_code=405, headers={"Allow": answers.METHODS})


async def _append(
    request: AnyRequest,
    place: Place,
    *,
    version: str | None,
    offset: str | None,
    length: str | None,
    checksum: str | None,
) -> Response[None]:
    answers.require_version(version)
    require_chunk(request)
    begin = headers.parse_number("Upload-Offset", offset)
    if begin is None:
        raise BadRequest("bad_request", "Say with Upload-Offset where the bytes belong.")
    sent = Patch(
        offset=begin,
        announced=request.content_length,
        length=headers.parse_number("Upload-Length", length),
        checksum=headers.parse_checksum(checksum),
    )
    written = await write(place, sent, body_of(request))
    return Response(None, status_code=204, headers=answers.progress(*written))


async def _terminate(tx: AsyncSession, store: Store, upload_id: str) -> None:
    await find_living(tx, upload_id)
    await cancel_upload(tx, store, upload_id)
