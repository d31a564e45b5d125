"""Headers, bodies and errors of tus in the words of the OpenAPI document."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import HeaderParameter

from app.uploads.tus_headers import CHECKSUMS, CHUNK_TYPE

ANY = {412: "tus_version_unsupported", 404: "upload_not_found"}
WRITING = {
    400: "bad_request",
    409: ("upload_offset_mismatch", "upload_state"),
    410: ("upload_expired", "upload_gone"),
    413: "upload_too_large",
    415: "unsupported_media_type",
    423: "upload_locked",
    460: "upload_checksum_mismatch",
}


def _header(name: str, description: str) -> Any:
    return HeaderParameter(name=name, required=False, description=description)


Version = Annotated[str | None, _header("Tus-Resumable", "1.0.0")]
Length = Annotated[str | None, _header("Upload-Length", "Bytes of the file.")]
Deferred = Annotated[
    str | None, _header("Upload-Defer-Length", "1: the length comes with a later PATCH.")
]
Metadata = Annotated[
    str | None,
    _header(
        "Upload-Metadata",
        "Keys, each with a value in base64, between commas: `filename`, `filetype`, `title`, "
        "`policy` (public or signed), `sha256` of the file in hex. Others are only given back.",
    ),
]
Concatenation = Annotated[
    str | None,
    _header("Upload-Concat", "`partial`, or `final;` and the addresses of partial uploads."),
]
Offset = Annotated[str | None, _header("Upload-Offset", "Where the body belongs.")]
ChecksumHeader = Annotated[
    str | None,
    _header("Upload-Checksum", f"Algorithm ({', '.join(CHECKSUMS)}) and digest in base64."),
]


@dataclass
class ChunkOperation(Operation):
    """Tells the OpenAPI document of a body that no schema stands for."""

    def __post_init__(self) -> None:
        chunk = Schema(type=OpenAPIType.STRING, content_media_type=CHUNK_TYPE)
        self.request_body = RequestBody(
            description="Bytes of the file, from the offset on.",
            content={CHUNK_TYPE: OpenAPIMediaType(schema=chunk)},
        )
