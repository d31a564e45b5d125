"""What the API takes and says about uploads."""

from datetime import datetime
from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from app.assets.schemas import Description, Tags, Title
from app.foundation.storage.protocols import Part, SignedRequest
from app.jobs.schemas import Failure
from app.playback.models import PlaybackPolicy
from app.uploads.models import Upload, UploadState
from app.uploads.parts import Cut
from app.uploads.service import Announced, asset_of
from app.uploads.states import OPEN

Filename = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1024,
        description="To show, and to guess a title from. No path is made of it.",
        examples=["opening-night.mov"],
    ),
]
MediaType = Annotated[
    str,
    Meta(
        max_length=255,
        pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+\Z",
        examples=["video/quicktime"],
    ),
]
Sha256 = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f]{64}\Z",
        description="Of the whole file. What arrives is refused if it has another one.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
PartNumber = Annotated[int, Meta(ge=1, le=10_000, examples=[1])]
DEFAULT_MEDIA_TYPE = "application/octet-stream"


class NewUpload(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A file that is about to be sent."""

    filename: Filename
    size_bytes: Annotated[
        int, Meta(ge=0, description="Exactly; at most 5 GiB.", examples=[22_400_000])
    ]
    content_type: MediaType = DEFAULT_MEDIA_TYPE
    title: Annotated[
        Title | None, Meta(description="Without it: the file's name without its ending.")
    ] = None
    description: Description = ""
    tags: Tags = {}
    sha256: Sha256 | None = None
    playback_policy: Annotated[
        PlaybackPolicy, Meta(description="Of the asset's first playback id.")
    ] = PlaybackPolicy.PUBLIC

    def announced(self, sender: str | None) -> Announced:
        return Announced(
            filename=self.filename,
            size_bytes=self.size_bytes,
            content_type=self.content_type,
            title=self.title,
            description=self.description,
            tags=self.tags,
            sha256=self.sha256,
            policy=self.playback_policy,
            sender=sender,
        )


class UploadView(msgspec.Struct, kw_only=True, frozen=True):
    """A file on its way to become an asset's source."""

    id: Annotated[str, Meta(examples=["upl_01m7y2sxgdej386gmyqvmhnm6m"])]
    asset_id: Annotated[
        str | None,
        Meta(
            description="Null for a partial upload of tus, which is a piece of another one.",
            examples=["ast_01m7y2sxfzer7benctm86j0yxp"],
        ),
    ]
    state: UploadState
    method: Annotated[str, Meta(description="parts, simple or tus.", examples=["parts"])]
    filename: Annotated[str, Meta(examples=["opening-night.mov"])]
    content_type: Annotated[str, Meta(examples=["video/quicktime"])]
    size_bytes: Annotated[int, Meta(examples=[22_400_000])]
    part_bytes: Annotated[
        int, Meta(description="Of each part but the last.", examples=[16_777_216])
    ]
    part_count: Annotated[int, Meta(examples=[2])]
    sha256: str | None
    error: Failure | None
    created_at: datetime
    expires_at: Annotated[
        datetime | None, Meta(description="Until when it takes parts; null once it does not.")
    ]
    completed_at: datetime | None

    @classmethod
    def of(cls, row: Upload, **more: Any) -> Self:
        """Args: `more`, what the upload's own row does not tell."""
        columns = {
            name: getattr(row, name)
            for name in UploadView.__struct_fields__
            if name not in {"part_count", "error", "expires_at"}
        }
        return cls(
            **columns,
            part_count=Cut(row.size_bytes, row.part_bytes).count,
            error=Failure(row.error_code, row.error_message or "") if row.error_code else None,
            expires_at=row.deadline_at if row.state in OPEN else None,
            **more,
        )


class SignedPart(msgspec.Struct, frozen=True):
    """A request to the object store which stores one part. Its answer has the part's ETag."""

    number: PartNumber
    size_bytes: Annotated[int, Meta(description="The body has exactly so many.")]
    method: Annotated[str, Meta(examples=["PUT"])]
    url: str
    headers: Annotated[dict[str, str], Meta(description="Send them as they are.")]
    expires_at: datetime

    @classmethod
    def of(cls, number: int, size: int, request: SignedRequest) -> Self:
        return cls(
            number,
            size,
            request.method,
            request.url,
            dict(request.headers),
            request.expires_at,
        )


class CreatedUpload(UploadView, kw_only=True, frozen=True):
    parts: Annotated[
        list[SignedPart], Meta(description="The first hundred; ask for others by number.")
    ]


class WantedParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parts to be signed, for the first time or again."""

    numbers: Annotated[list[PartNumber], Meta(min_length=1, max_length=1000, examples=[[101, 102]])]


class SignedParts(msgspec.Struct, frozen=True):
    items: list[SignedPart]


class StoredPart(msgspec.Struct, frozen=True):
    """A part that has arrived whole."""

    number: PartNumber
    size_bytes: int
    etag: Annotated[str, Meta(examples=["d41d8cd98f00b204e9800998ecf8427e"])]

    @classmethod
    def of(cls, part: Part) -> Self:
        return cls(part.number, part.size, part.etag)


class StoredParts(msgspec.Struct, frozen=True):
    items: list[StoredPart]
    missing: Annotated[list[int], Meta(description="Numbers of the parts to send.", examples=[[2]])]


class ClaimedPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: PartNumber
    etag: Annotated[str, Meta(max_length=256, description="As the store answered it.")]


class Completion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the client believes it sent."""

    parts: Annotated[
        list[ClaimedPart] | None,
        Meta(description="All of them, to be compared. Without it the store's word is taken."),
    ] = None


class UploadedVideo(msgspec.Struct, kw_only=True, frozen=True):
    """What became of a file."""

    video_id: Annotated[
        str,
        Meta(description="The asset's id.", examples=["ast_01m7y2sxfzer7benctm86j0yxp"]),
    ]
    upload_id: Annotated[str, Meta(examples=["upl_01m7y2sxgdej386gmyqvmhnm6m"])]
    filename: Annotated[str, Meta(examples=["opening-night.mov"])]
    size_bytes: Annotated[int, Meta(examples=[22_400_000])]
    status: Annotated[str, Meta(description="The upload's state.", examples=["verifying"])]

    @classmethod
    def of(cls, row: Upload) -> Self:
        return cls(
            video_id=asset_of(row),
            upload_id=row.id,
            filename=row.filename,
            size_bytes=row.size_bytes,
            status=row.state.value,
        )
