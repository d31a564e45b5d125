"""The numbers that bound uploads, taken from the settings."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from app.settings import Settings


@dataclass(frozen=True, slots=True)
class UploadPolicy:
    max_bytes: int
    simple_max_bytes: int
    part_bytes: int
    expires: timedelta
    urls_expire: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            max_bytes=settings.upload_max_bytes,
            simple_max_bytes=settings.simple_upload_max_bytes,
            part_bytes=settings.upload_part_bytes,
            expires=timedelta(seconds=settings.upload_expires_seconds),
            urls_expire=timedelta(seconds=settings.signed_url_seconds),
        )
