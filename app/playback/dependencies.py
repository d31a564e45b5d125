"""What the public routes of playback are given."""

from datetime import timedelta
from typing import Annotated, Any

from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter, SkipValidation

from app.foundation.http.documentation import documented
from app.foundation.http.transaction import Config, Db
from app.playback.delivery import ApiDelivery, Delivery
from app.playback.tokens import PlaybackTokens
from app.playback.viewing import Viewing, Viewings
from app.seams import make_signer

TokenQuery = Annotated[
    str | None,
    QueryParameter(
        name="token",
        description="Opens a signed playback id; made by `POST /v1/playback-ids/{id}/tokens`.",
        required=False,
        schema_component_key="playback_token",
    ),
]
CookiesQuery = Annotated[
    bool,
    QueryParameter(
        name="cookies",
        description="Set by pages of ours, which keep cookies: what opens the media is then put "
        "into cookies where a CDN shares their domain, and into the addresses elsewhere.",
        required=False,
    ),
]
Deliverer = NamedDependency[SkipValidation[Delivery]]
# What opens paths below /media: whoever delivers now, a path that was signed before still opens.
Paths = NamedDependency[ApiDelivery]
Tokens = NamedDependency[PlaybackTokens]
Opener = NamedDependency[Viewings]
Opened = NamedDependency[Viewing]

# What opening a playback id may answer.
REFUSED = documented(
    {
        401: "playback_token_missing",
        403: "playback_token_invalid",
        404: "playback_id_not_found",
    }
)


def refused_or(missing: str) -> dict[int, ResponseSpec]:
    """What reading something that is published may answer; `missing` says that it is not there."""
    return REFUSED | documented(
        {
            404: ("playback_id_not_found", missing),
            409: ("playback_not_ready", "playback_failed"),
        }
    )


def provide_delivery(request: Request[Any, Any, Any]) -> Delivery:
    delivery: Delivery = request.app.state.delivery
    return delivery


def provide_paths(settings: Config) -> ApiDelivery:
    return ApiDelivery(make_signer(settings))


def provide_tokens(settings: Config) -> PlaybackTokens:
    return PlaybackTokens(make_signer(settings))


def provide_viewings(settings: Config, database: Db, tokens: Tokens) -> Viewings:
    lasts = timedelta(seconds=settings.playback_token_seconds)
    return Viewings(database, tokens, public_lasts=lasts)


async def provide_viewing(
    viewings: Opener, playback_id: FromPath[str], token: TokenQuery = None
) -> Viewing:
    """Opens the playback id of the path for whoever sent the request."""
    return await viewings.open(playback_id, token)


DEPENDENCIES = {
    "delivery": Provide(provide_delivery, sync_to_thread=False),
    "paths": Provide(provide_paths, sync_to_thread=False),
    "tokens": Provide(provide_tokens, sync_to_thread=False),
    "viewings": Provide(provide_viewings, sync_to_thread=False),
    "viewing": Provide(provide_viewing),
}
