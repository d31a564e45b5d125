"""Which side of each seam this deployment is on: chosen from the settings, here alone."""

from app.foundation.aws import make_client
from app.foundation.cloudfront_signing import CloudFrontSigner
from app.foundation.db.database import Database
from app.foundation.signing import UrlSigner
from app.foundation.storage.folder import FolderStore
from app.notifications.channels import Channel
from app.notifications.models import Origin
from app.notifications.outbox import Outlets
from app.notifications.topic import TopicChannel
from app.playback.cloudfront import CloudFrontDelivery
from app.playback.delivery import ApiDelivery, Delivery
from app.settings import Settings

STORE_PATH = "/_store"


def make_signer(settings: Settings) -> UrlSigner:
    return UrlSigner(settings.signing_secrets, settings.signing_key_id)


def make_store(settings: Settings) -> FolderStore:
    """The object store; the API serves it below STORE_PATH."""
    if settings.store_root is None:
        raise ValueError("SPOOL_STORE=folder needs SPOOL_STORE_ROOT")
    return FolderStore(
        settings.store_root, make_signer(settings), f"{settings.public_url}{STORE_PATH}"
    )


def make_outlets(settings: Settings, origin: Origin) -> Outlets:
    """The ways out that a process of this kind writes for."""
    return Outlets(origin, topic=origin in _topics(settings), mail=settings.mail != "none")


def make_channels(settings: Settings, database: Database) -> list[Channel]:  # noqa: ARG001  # mail will read of people and videos
    """The ways out that a relay sends by; it closes them."""
    channels: list[Channel] = []
    if topics := _topics(settings):
        client = make_client(settings, "sns", endpoint_url=settings.sns_endpoint_url)
        channels.append(TopicChannel(client, topics))
    return channels


def _topics(settings: Settings) -> dict[Origin, str]:
    found = {
        Origin.API: settings.sns_api_topic_arn,
        Origin.WORKER: settings.sns_worker_topic_arn,
    }
    return {origin: arn for origin, arn in found.items() if arn}


def make_delivery(settings: Settings) -> Delivery:
    """Who serves media to viewers.

    Raises:
        ValueError: a key of CloudFront's cannot be used.
    """
    if settings.delivery == "api":
        return ApiDelivery(make_signer(settings))
    keys = settings.cloudfront_private_keys or {}
    return CloudFrontDelivery(
        settings.cloudfront_url or "",
        CloudFrontSigner(
            {key_id: pem.get_secret_value().encode() for key_id, pem in keys.items()},
            settings.cloudfront_key_pair_id or "",
        ),
        cookie_domain=settings.cloudfront_cookie_domain,
    )
