"""What the API says and takes about playback ids."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from msgspec import Meta, Struct

from app.playback.models import PlaybackId, PlaybackPolicy
from app.playback.viewing import Viewing

PlaybackIdText = Annotated[
    str,
    Meta(
        description="A random public name of the asset. It tells nothing about it.",
        examples=["4m9x2vq7c0k8d3h1s5w6ta"],
    ),
]


class PlaybackUrls(Struct, frozen=True):
    """Where a playback id is shown; for a signed one, each works with `?token=` only."""

    watch: Annotated[str, Meta(description="Page that plays it.")]
    embed: Annotated[str, Meta(description="The player alone, for an iframe.")]
    hls: Annotated[str, Meta(description="HLS multivariant playlist.")]
    dash: Annotated[str, Meta(description="DASH manifest.")]
    poster: Annotated[str, Meta(description="Poster image.")]
    storyboard: Annotated[str, Meta(description="WebVTT of the storyboard.")]
    status: Annotated[str, Meta(description="Whether it can be played yet.")]

    @classmethod
    def of(cls, playback_id: str, public_url: str, token: str | None = None) -> "PlaybackUrls":
        query = "?" + urlencode({"token": token}) if token else ""
        return cls(
            watch=f"{public_url}/watch/{playback_id}{query}",
            embed=f"{public_url}/embed/{playback_id}{query}",
            hls=f"{public_url}/{playback_id}.m3u8{query}",
            dash=f"{public_url}/{playback_id}.mpd{query}",
            poster=f"{public_url}/{playback_id}/poster.jpg{query}",
            storyboard=f"{public_url}/{playback_id}/storyboard.vtt{query}",
            status=f"{public_url}/{playback_id}/status{query}",
        )


class PlaybackIdOut(Struct, frozen=True):
    """A name under which an asset is shown."""

    id: PlaybackIdText
    asset_id: Annotated[str, Meta(examples=["ast_06b2m3n4p5q6r7s8t9v0w1x2y3"])]
    policy: Annotated[
        PlaybackPolicy, Meta(description="public: opens for everybody. signed: with a token only.")
    ]
    created_at: datetime
    urls: PlaybackUrls

    @classmethod
    def of(cls, row: PlaybackId, public_url: str) -> "PlaybackIdOut":
        return cls(
            id=row.id,
            asset_id=row.asset_id,
            policy=row.policy,
            created_at=row.created_at,
            urls=PlaybackUrls.of(row.id, public_url),
        )


class PlaybackIdList(Struct, frozen=True):
    items: list[PlaybackIdOut]


class NewPlaybackId(Struct, frozen=True, forbid_unknown_fields=True):
    policy: Annotated[PlaybackPolicy, Meta(description="Who it opens for.")] = PlaybackPolicy.PUBLIC


class NewPlaybackToken(Struct, frozen=True, forbid_unknown_fields=True):
    ttl_seconds: (
        Annotated[
            int,
            Meta(
                description="How long the token opens the video. It should outlast the viewing: "
                "segments stop with it. Default: the installation's setting.",
                examples=[3600],
                ge=1,
                le=7 * 24 * 3600,
            ),
        ]
        | None
    ) = None


class PlaybackTokenOut(Struct, frozen=True):
    """A token and the addresses that carry it. It lasts until it expires or its id is revoked."""

    token: Annotated[str, Meta(description="Goes into `?token=`.")]
    expires_at: datetime
    urls: PlaybackUrls


class PlaybackStatus(Struct, frozen=True):
    """Whether a video can be played yet; what the player page asks for while it waits."""

    state: Annotated[str, Meta(examples=["processing"], description="The asset's state.")]
    playable: bool
    progress: Annotated[float, Meta(ge=0, le=1, description="Of the processing.")]
    message: Annotated[str | None, Meta(description="Why it failed.")]
    poster: Annotated[bool, Meta(description="Whether there is a poster.")]
    storyboard: Annotated[bool, Meta(description="Whether there is a storyboard.")]

    @classmethod
    def of(cls, viewing: Viewing) -> "PlaybackStatus":
        kinds = {image.kind for image in viewing.images}
        return cls(
            state=viewing.state.value,
            playable=viewing.playable,
            progress=viewing.progress,
            message=viewing.error_message,
            poster="poster" in kinds,
            storyboard="storyboard_index" in kinds,
        )


class OEmbed(Struct, frozen=True, omit_defaults=False):
    """oEmbed 1.0, section 2.3.4.2: the video type."""

    version: str
    type: str
    title: str
    provider_name: str
    provider_url: str
    width: int
    height: int
    html: Annotated[str, Meta(description="An iframe.")]
    thumbnail_url: str
    thumbnail_width: int
    thumbnail_height: int
