"""Which side of each seam this deployment is on: chosen from the settings, here alone."""

from pathlib import Path

from botocore.config import Config

from app.foundation.aws import make_client
from app.foundation.cloudfront_signing import CloudFrontSigner
from app.foundation.db.database import Database
from app.foundation.signing import UrlSigner
from app.foundation.storage.buckets import Buckets
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.protocols import Store
from app.foundation.storage.s3 import S3Store
from app.foundation.storage.s3_requests import S3Requests
from app.notifications.channels import Channel
from app.notifications.mail.channel import MailChannel
from app.notifications.mail.folder import FolderTransport
from app.notifications.mail.letter import LetterWriter
from app.notifications.mail.ses import SesTransport
from app.notifications.mail.smtp import Server, SmtpTransport
from app.notifications.mail.transport import Transport
from app.notifications.models import Origin
from app.notifications.outbox import Outlets
from app.notifications.topic import TopicChannel
from app.playback.cloudfront import CloudFrontDelivery
from app.playback.delivery import ApiDelivery, Delivery
from app.settings import Settings

STORE_PATH = "/_store"


def make_signer(settings: Settings) -> UrlSigner:
    return UrlSigner(settings.signing_secrets, settings.signing_key_id)


def make_store(settings: Settings) -> Store:
    """The object store."""
    return make_s3_store(settings) if settings.store == "s3" else make_folder_store(settings)


def make_folder_store(settings: Settings) -> FolderStore:
    """That of one machine; the API serves it below STORE_PATH."""
    if settings.store_root is None:
        raise ValueError("SPOOL_STORE=folder needs SPOOL_STORE_ROOT")
    return FolderStore(
        settings.store_root, make_signer(settings), f"{settings.public_url}{STORE_PATH}"
    )


def make_s3_store(settings: Settings) -> S3Store:
    """That on S3; clients are sent there, and nothing below STORE_PATH is served."""
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if settings.s3_path_style else "auto"},
        # The store adds the checksums itself, in headers, which every server understands.
        request_checksum_calculation="when_required",
        # Mode "standard" has a quota of its own, which a store that fails for one request in three
        # has used up within minutes. What limits retries here is the store's RetryBudget.
        retries={"mode": "legacy", "total_max_attempts": settings.s3_attempts},
    )
    client = make_client(
        settings,
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        attempts=settings.s3_attempts,
        # Answers that are read slowly keep their connection beside those of the threads.
        connections=2 * settings.s3_threads,
        config=config,
    )
    signing_client = client
    if settings.s3_public_endpoint_url is not None:
        signing_client = make_client(
            settings, "s3", endpoint_url=settings.s3_public_endpoint_url, config=config
        )
    requests = S3Requests(
        client,
        buckets_of(settings),
        threads=settings.s3_threads,
        attempts=settings.s3_attempts,
        kms_key_id=settings.s3_kms_key_id,
    )
    return S3Store(requests, signing_client=signing_client, scratch=settings.scratch_root)


def buckets_of(settings: Settings) -> Buckets:
    """Sources and metadata in one bucket, and what is made of them in those that are named."""
    if settings.s3_source_bucket is None:
        raise ValueError("SPOOL_STORE=s3 needs SPOOL_S3_SOURCE_BUCKET")
    media = settings.s3_media_bucket or settings.s3_source_bucket
    return Buckets(
        settings.s3_source_bucket,
        {
            "renditions/": media,
            "images/": media,
            "frames/": settings.s3_frames_bucket or media,
            "archives/": settings.s3_archive_bucket or settings.s3_source_bucket,
        },
    )


def make_outlets(settings: Settings, origin: Origin) -> Outlets:
    """The ways out that a process of this kind writes for."""
    return Outlets(origin, topic=origin in _topics(settings), mail=settings.mail != "none")


def make_channels(settings: Settings, database: Database) -> list[Channel]:
    """The ways out that a relay sends by; it closes them."""
    channels: list[Channel] = []
    if topics := _topics(settings):
        client = make_client(settings, "sns", endpoint_url=settings.sns_endpoint_url)
        channels.append(TopicChannel(client, topics))
    if transport := _mail_transport(settings):
        channels.append(
            MailChannel(
                database,
                transport,
                LetterWriter(settings.mail_from),
                make_signer(settings),
                public_url=settings.public_url,
            )
        )
    return channels


def _mail_transport(settings: Settings) -> Transport | None:
    match settings.mail:
        case "smtp" if settings.smtp_host:
            password = settings.smtp_password
            server = Server(
                settings.smtp_host,
                settings.smtp_port,
                settings.smtp_security,
                user=settings.smtp_user,
                password=password.get_secret_value() if password else None,
            )
            return SmtpTransport(server)
        case "ses":
            return SesTransport(
                make_client(settings, "sesv2", endpoint_url=settings.ses_endpoint_url)
            )
        case "file" if settings.mail_folder:
            return FolderTransport(Path(settings.mail_folder))
        case _:
            return None


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
