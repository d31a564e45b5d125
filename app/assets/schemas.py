"""What the API takes and says about assets."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.assets.models import Asset, AssetState
from app.assets.names import MAX_TITLE_CHARS
from app.jobs.schemas import Failure
from app.playback.schemas import PlaybackIdOut
from app.renditions.schemas import ImageView, RenditionView

AssetId = Annotated[str, Meta(examples=["ast_01m7y2sxfzer7benctm86j0yxp"])]
Title = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_TITLE_CHARS, examples=["Opening night"]),
]
Description = Annotated[str, Meta(max_length=5000, examples=["The whole evening, uncut."])]
# No control characters: PostgreSQL's JSON has no NUL.
TagName = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,64}\Z", examples=["season"])]
TagValue = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{0,256}\Z", examples=["2026"])]
Tags = Annotated[
    dict[TagName, TagValue],
    Meta(max_length=50, description="Your own labels.", examples=[{"season": "2026"}]),
]


class AssetSort(StrEnum):
    CREATED = "created"
    CREATED_DESC = "-created"
    TITLE = "title"
    TITLE_DESC = "-title"
    DURATION = "duration"
    DURATION_DESC = "-duration"


class Progress(msgspec.Struct, frozen=True):
    """How far the work on a video is."""

    fraction: Annotated[float, Meta(description="0 to 1, over all steps.", examples=[0.42])]
    step: Annotated[
        str | None, Meta(description="What runs now; null while it waits.", examples=["encode"])
    ]
    eta_seconds: Annotated[
        float | None, Meta(description="Of the step that runs, as it says itself.", examples=[31.5])
    ]


class AssetView(msgspec.Struct, kw_only=True, frozen=True):
    """A video."""

    id: AssetId
    title: Title
    description: Description
    tags: dict[str, Any]
    state: AssetState
    version: Annotated[int, Meta(description="The ETag is this with a v before it.", examples=[4])]
    duration_ms: Annotated[int | None, Meta(description="Known once probed.", examples=[60_000])]
    width: Annotated[int | None, Meta(description="Pixels, as shown.", examples=[1920])]
    height: Annotated[int | None, Meta(description="Pixels, as shown.", examples=[1080])]
    source_bytes: Annotated[int | None, Meta(examples=[22_400_000])]
    error: Failure | None
    created_at: datetime
    updated_at: datetime
    playable_at: datetime | None
    ready_at: datetime | None
    playback_ids: Annotated[list[PlaybackIdOut], Meta(description="Those not revoked.")]

    @classmethod
    def of(cls, asset: Asset, playback_ids: list[PlaybackIdOut], **more: Any) -> Self:
        """Args: `more`, what the asset's own row does not tell."""
        columns = {
            name: getattr(asset, name)
            for name in AssetView.__struct_fields__
            if name not in {"error", "playback_ids"}
        }
        error = Failure(asset.error_code, asset.error_message or "") if asset.error_code else None
        return cls(**columns, error=error, playback_ids=playback_ids, **more)


class UploadOfAsset(msgspec.Struct, frozen=True):
    id: Annotated[str, Meta(examples=["upl_01m7y2sxgdej386gmyqvmhnm6m"])]
    state: Annotated[str, Meta(examples=["completed"])]
    filename: Annotated[str, Meta(examples=["opening-night.mov"])]


class AssetDetail(AssetView, kw_only=True, frozen=True):
    """A video with what was made of it."""

    verdict: Annotated[
        dict[str, Any] | None,
        Meta(description="What the probe found: tracks, and notes on what is unusual."),
    ]
    upload: UploadOfAsset | None
    renditions: list[RenditionView]
    images: Annotated[
        list[ImageView],
        Meta(description="All but thumbnails, which `GET /v1/assets/{id}/images` lists."),
    ]
    progress: Annotated[Progress | None, Meta(description="While work is going on.")]


class AssetEdit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is left out stays as it is."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class SourceLink(msgspec.Struct, frozen=True):
    """The uploaded file itself."""

    url: Annotated[str, Meta(description="Opens it without credentials until it expires.")]
    expires_at: datetime
    filename: str
    size_bytes: int


class Step(msgspec.Struct, kw_only=True, frozen=True):
    """A task of the work, as far as it explains where the video is."""

    task_id: str
    kind: Annotated[str, Meta(examples=["encode"])]
    state: Annotated[str, Meta(examples=["leased"])]
    attempt: int
    max_attempts: int
    progress: float
    eta_seconds: float | None
    error: Failure | None
    words: Annotated[str, Meta(examples=["Encoding the renditions: 42 % done."])]


class Explanation(msgspec.Struct, kw_only=True, frozen=True):
    """Where a video is, and why."""

    asset_id: AssetId
    state: AssetState
    since: Annotated[datetime | None, Meta(description="When it got into this state.")]
    summary: Annotated[str, Meta(description="One or two sentences for a person.")]
    running: list[Step]
    waiting: list[Step]
    error: Failure | None
    what_to_do: Annotated[str, Meta(description="The next step for a person, if any.")]
