"""What the API says of renditions and images."""

from typing import Annotated, Self

import msgspec
from msgspec import Meta

from app.renditions.models import Image, Rendition


class RenditionView(msgspec.Struct, kw_only=True, frozen=True):
    """One quality of the video, or its sound."""

    id: Annotated[str, Meta(examples=["rnd_01m7y2sxgdej386gmyqvmhnm6m"])]
    name: Annotated[str, Meta(description="Unique within the asset.", examples=["720p"])]
    kind: Annotated[str, Meta(description="video or audio.", examples=["video"])]
    codecs: Annotated[str, Meta(description="As in RFC 6381.", examples=["avc1.64001f"])]
    width: Annotated[int | None, Meta(description="Pixels.", examples=[1280])]
    height: Annotated[int | None, Meta(description="Pixels.", examples=[720])]
    frame_rate: Annotated[float | None, Meta(description="Per second.", examples=[29.97])]
    bandwidth: Annotated[int, Meta(description="Peak, bits per second.", examples=[2_800_000])]
    average_bandwidth: Annotated[int, Meta(description="Bits per second.", examples=[2_100_000])]
    segment_count: Annotated[int, Meta(examples=[15])]
    duration_ms: Annotated[int, Meta(examples=[60_000])]
    size_bytes: Annotated[int, Meta(examples=[15_728_640])]
    copied: Annotated[bool, Meta(description="Taken from the source as it was, not encoded.")]

    @classmethod
    def of(cls, row: Rendition) -> Self:
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class RenditionDetail(RenditionView, kw_only=True, frozen=True):
    conformance: Annotated[
        dict[str, object], Meta(description="What was checked before it was published.")
    ]


class ImageView(msgspec.Struct, kw_only=True, frozen=True):
    """A picture made of the video."""

    id: Annotated[str, Meta(examples=["img_01m7y2sxgdej386gmyqvmhnm6m"])]
    kind: Annotated[str, Meta(description="poster, storyboard, storyboard_index or thumbnail.")]
    content_type: Annotated[str, Meta(examples=["image/jpeg"])]
    width: Annotated[int | None, Meta(description="Pixels.", examples=[1280])]
    height: Annotated[int | None, Meta(description="Pixels.", examples=[720])]
    time_ms: Annotated[
        int | None, Meta(description="Where in the video it was taken.", examples=[2_000])
    ]
    size_bytes: Annotated[int, Meta(examples=[48_211])]


class ImageLink(ImageView, kw_only=True, frozen=True):
    url: Annotated[str, Meta(description="Opens it without credentials until it expires.")]

    @classmethod
    def of(cls, row: Image, url: str) -> Self:
        fields = {name: getattr(row, name) for name in ImageView.__struct_fields__}
        return cls(**fields, url=url)


class RenditionList(msgspec.Struct, frozen=True):
    items: list[RenditionDetail]


class ImageList(msgspec.Struct, frozen=True):
    items: list[ImageLink]
