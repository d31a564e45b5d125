"""Uploads in parts, under /v1/uploads: the media goes to the object store, not through here."""

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody

from app.foundation.auth import requires
from app.foundation.errors import Invalid
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import idempotent
from app.foundation.http.transaction import Config, Me, Objects, Tx
from app.uploads import service
from app.uploads.completion import complete_upload
from app.uploads.models import Upload
from app.uploads.policy import UploadPolicy
from app.uploads.schemas import (
    Completion,
    CreatedUpload,
    NewUpload,
    SignedPart,
    SignedParts,
    StoredPart,
    StoredParts,
    UploadView,
    WantedParts,
)

_SIGNED_AT_ONCE = 100
Policy = NamedDependency[UploadPolicy]


def provide_policy(settings: Config) -> UploadPolicy:
    return UploadPolicy.of(settings)


class UploadController(Controller):
    path = "/uploads"
    tags = ("uploads",)
    dependencies = {"policy": Provide(provide_policy, sync_to_thread=False)}  # noqa: RUF012  # Litestar reads it so

    @post(
        guards=[requires("uploads:write")],
        operation_id="create_upload",
        summary="Begin an upload in parts",
        description="Makes an asset and tells where to send the parts. Send each with one PUT, in "
        "any order and as many at once as you like, then complete the upload. To go on after a "
        "break, list the parts that arrived and send the others; links can be renewed.",
        responses=documented({413: "upload_too_large", 422: ("upload_empty", "validation_failed")}),
    )
    @idempotent
    async def create_upload(
        self, tx: Tx, principal: Me, store: Objects, policy: Policy, data: JSONBody[NewUpload]
    ) -> CreatedUpload:
        upload = await service.create_upload(
            tx, store, policy, principal.project_id, data.announced(principal.user_id)
        )
        numbers = range(1, min(_SIGNED_AT_ONCE, service.cut_of(upload).count) + 1)
        return CreatedUpload.of(upload, parts=_signed(store, policy, upload, numbers))

    @get(
        "/{upload_id:str}",
        guards=[requires("assets:read")],
        operation_id="get_upload",
        summary="Get an upload",
        description="Its state, and why it failed if it did.",
        responses=documented({404: "upload_not_found"}),
    )
    async def get_upload(self, tx: Tx, upload_id: FromPath[str]) -> UploadView:
        return UploadView.of(await service.get_upload(tx, upload_id))

    @post(
        "/{upload_id:str}/parts",
        status_code=200,
        guards=[requires("uploads:write")],
        operation_id="sign_parts",
        summary="Get links for parts",
        description="For parts beyond the first hundred, and for links that have expired.",
        responses=documented(
            {404: "upload_not_found", 409: "upload_state", 410: "upload_expired"}
            | {422: ("upload_part_invalid", "validation_failed")}
        ),
    )
    @idempotent
    async def sign_parts(
        self,
        tx: Tx,
        store: Objects,
        policy: Policy,
        upload_id: FromPath[str],
        data: JSONBody[WantedParts],
    ) -> SignedParts:
        upload = await service.get_upload(tx, upload_id)
        return SignedParts(_signed(store, policy, upload, sorted(set(data.numbers))))

    @get(
        "/{upload_id:str}/parts",
        guards=[requires("assets:read")],
        operation_id="list_parts",
        summary="List the parts that have arrived",
        description="And the numbers of those that have not: what is left to send.",
        responses=documented({404: "upload_not_found", 409: "upload_state", 410: "upload_expired"}),
    )
    async def list_parts(self, tx: Tx, store: Objects, upload_id: FromPath[str]) -> StoredParts:
        parts = await service.list_parts(tx, store, upload_id)
        cut = service.cut_of(await service.get_upload(tx, upload_id))
        arrived = {part.number for part in parts if part.size == cut.size_of(part.number)}
        missing = [number for number in range(1, cut.count + 1) if number not in arrived]
        return StoredParts([StoredPart.of(part) for part in parts], missing)

    @post(
        "/{upload_id:str}/complete",
        status_code=200,
        guards=[requires("uploads:write")],
        operation_id="complete_upload",
        summary="Complete an upload",
        description="When all parts have arrived. The file is checked and processed from here on "
        "by itself. Completing again answers the same.",
        responses=documented(
            {404: "upload_not_found", 409: "upload_state", 410: "upload_expired"}
            | {422: ("upload_parts_missing", "upload_part_invalid", "upload_size_mismatch")}
        ),
    )
    @idempotent
    async def complete_upload(
        self,
        tx: Tx,
        store: Objects,
        upload_id: FromPath[str],
        data: JSONBody[Completion | None] = None,
    ) -> UploadView:
        upload, _ = await complete_upload(tx, store, upload_id, _claimed(data))
        return UploadView.of(upload)

    @delete(
        "/{upload_id:str}",
        guards=[requires("uploads:write")],
        operation_id="cancel_upload",
        summary="Call an upload off",
        description="The parts that arrived are removed, and the asset with them. An upload that "
        "is complete cannot be called off; delete its asset.",
        responses=documented({404: "upload_not_found", 409: "upload_state", 410: "upload_expired"}),
    )
    async def cancel_upload(self, tx: Tx, store: Objects, upload_id: FromPath[str]) -> None:
        await service.cancel_upload(tx, store, upload_id)


def _signed(
    store: Objects, policy: UploadPolicy, upload: Upload, numbers: range | list[int]
) -> list[SignedPart]:
    cut = service.cut_of(upload)
    return [
        SignedPart.of(number, cut.size_of(number), request)
        for number, request in service.sign_parts(store, policy, upload, numbers)
    ]


def _claimed(completion: Completion | None) -> dict[int, str] | None:
    if completion is None or completion.parts is None:
        return None
    claimed = {part.number: part.etag for part in completion.parts}
    if len(claimed) < len(completion.parts):
        raise Invalid("upload_part_invalid", "A part is named twice.", pointer="/parts")
    return claimed
