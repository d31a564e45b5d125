"""Settings of the object store and of how media reaches viewers."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class StorageSettings(BaseSettings):
    """Where objects lie, and where players fetch them."""

    store: Literal["folder", "s3"] = Field(
        default="folder", description="`folder` on one machine; `s3` for S3 and what speaks it."
    )
    store_root: Path | None = Field(
        default=None, description="Folder of the object store; needed where `store` is `folder`."
    )
    s3_source_bucket: str | None = Field(
        default=None, description="Bucket of sources and metadata; needed where `store` is `s3`."
    )
    s3_media_bucket: str | None = Field(
        default=None, description="Bucket of segments, manifests and images. Default: the source's."
    )
    s3_frames_bucket: str | None = Field(
        default=None, description="Bucket of frame archives. Default: the media's."
    )
    s3_archive_bucket: str | None = Field(
        default=None, description="Bucket of exports and other archives. Default: the source's."
    )
    s3_endpoint_url: str | None = Field(
        default=None, description="Of a server that speaks S3. Default: AWS, by the region."
    )
    s3_public_endpoint_url: str | None = Field(
        default=None,
        description="Endpoint in signed links, where clients reach it under another name.",
    )
    s3_path_style: bool = Field(
        default=False, description="Bucket in the path instead of the host: MinIO and the like."
    )
    s3_kms_key_id: str | None = Field(
        default=None, description="KMS key of new objects. Default: the bucket's own encryption."
    )
    s3_threads: int = Field(
        default=16, ge=1, le=256, description="Requests to S3 at once per process."
    )
    s3_attempts: int = Field(
        default=5, ge=1, le=20, description="Tries of one request to S3, within a shared budget."
    )

    delivery: Literal["api", "cloudfront"] = Field(
        default="api", description="Who serves media to players: the API itself, or CloudFront."
    )
    cloudfront_url: str | None = Field(
        default=None, description="https://… of the distribution in front of the media bucket."
    )
    cloudfront_key_pair_id: str | None = Field(
        default=None, description="Which of cloudfront_private_keys signs: its id in the key group."
    )
    cloudfront_private_keys: dict[str, SecretStr] | None = Field(
        default=None,
        description="PEM private keys by public key id, as JSON; older ones may stay.",
    )
    cloudfront_cookie_domain: str | None = Field(
        default=None,
        description="Domain that pages and the distribution share; signed cookies are for it.",
    )
