"""Playback ids under /v1: made, listed and revoked by who owns the asset."""

from datetime import timedelta

from litestar import Controller, delete, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import idempotent
from app.foundation.http.transaction import Config, Me, Tx
from app.playback import service
from app.playback.dependencies import Tokens, provide_tokens
from app.playback.schemas import (
    NewPlaybackId,
    NewPlaybackToken,
    PlaybackIdList,
    PlaybackIdOut,
    PlaybackTokenOut,
    PlaybackUrls,
)


class PlaybackIdController(Controller):
    tags = ("playback",)
    dependencies = {"tokens": Provide(provide_tokens, sync_to_thread=False)}  # noqa: RUF012  # Litestar reads it so

    @get(
        "/assets/{asset_id:str}/playback-ids",
        guards=[requires("assets:read")],
        operation_id="list_playback_ids",
        summary="List an asset's playback ids",
        description="Those that are not revoked, oldest first.",
        responses=documented({404: "asset_not_found", 409: "asset_state"}),
    )
    async def list_of_asset(
        self, tx: Tx, settings: Config, asset_id: FromPath[str]
    ) -> PlaybackIdList:
        rows = await service.list_playback_ids(tx, asset_id)
        return PlaybackIdList([PlaybackIdOut.of(row, settings.public_url) for row in rows])

    @post(
        "/assets/{asset_id:str}/playback-ids",
        guards=[requires("playback:write")],
        operation_id="create_playback_id",
        summary="Give an asset another playback id",
        description="An asset may have any number of them, public or signed. A video can be shown "
        "to one audience under an id of its own and hidden from it, while others go on watching.",
        responses=documented({404: "asset_not_found", 409: "asset_state"}),
    )
    @idempotent
    async def create(
        self,
        tx: Tx,
        principal: Me,
        settings: Config,
        asset_id: FromPath[str],
        data: JSONBody[NewPlaybackId],
    ) -> PlaybackIdOut:
        row = await service.create_playback_id(
            tx, project_id=principal.project_id, asset_id=asset_id, policy=data.policy
        )
        return PlaybackIdOut.of(row, settings.public_url)

    @delete(
        "/playback-ids/{playback_id:str}",
        guards=[requires("playback:write")],
        operation_id="revoke_playback_id",
        summary="Revoke a playback id",
        description="It is gone for good, and its media stays where it is. Its pages and manifests "
        "are 404 at once; a player that has loaded them already can go on until its grant expires: "
        "with its token, and for a public id after at most `SPOOL_PLAYBACK_TOKEN_SECONDS` and an "
        "hour. Doing it again changes nothing.",
        responses=documented({404: "playback_id_not_found"}),
    )
    async def revoke(self, tx: Tx, playback_id: FromPath[str]) -> None:
        await service.revoke_playback_id(tx, playback_id)

    @post(
        "/playback-ids/{playback_id:str}/tokens",
        guards=[requires("playback:write")],
        operation_id="create_playback_token",
        summary="Make a token for a signed playback id",
        description="Whoever has it can watch the video until it expires. On a public playback id "
        "it is of no use, and of no harm.",
        responses=documented({404: "playback_id_not_found"}),
    )
    @idempotent
    async def create_token(
        self,
        tx: Tx,
        settings: Config,
        tokens: Tokens,
        playback_id: FromPath[str],
        data: JSONBody[NewPlaybackToken],
    ) -> PlaybackTokenOut:
        row = await service.get_playback_id(tx, playback_id)
        seconds = data.ttl_seconds or settings.playback_token_seconds
        token, expires_at = tokens.mint(row.id, timedelta(seconds=seconds))
        urls = PlaybackUrls.of(row.id, settings.public_url, token)
        return PlaybackTokenOut(token, expires_at, urls)
