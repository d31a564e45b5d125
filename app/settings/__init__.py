"""Every setting of the API and the workers: the one place where the environment is read."""

from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from app.settings.cloud import CloudSettings
from app.settings.events import EventSettings
from app.settings.intake import IntakeSettings
from app.settings.queue import QueueSettings
from app.settings.storage import StorageSettings
from app.settings.telemetry import TelemetrySettings

MIB = 1024 * 1024
GIB = 1024 * MIB

# Roles of the API that never touch media, and those that do not sign for viewers: what a choice
# needs they need not be told.
STORELESS_ROLES = frozenset({"accounts", "analytics"})
_WITHOUT = {"store": STORELESS_ROLES, "delivery": STORELESS_ROLES | {"uploader"}}

# A field with this value (None: with any) needs another field.
_NEEDS = (
    ("store", "folder", "store_root"),
    ("store", "s3", "s3_source_bucket"),
    ("delivery", "cloudfront", "cloudfront_url"),
    ("delivery", "cloudfront", "cloudfront_key_pair_id"),
    ("delivery", "cloudfront", "cloudfront_private_keys"),
    ("mail", "smtp", "smtp_host"),
    ("mail", "file", "mail_folder"),
    ("kinesis_stream", None, "kinesis_project_id"),
)


class Settings(
    StorageSettings,
    CloudSettings,
    QueueSettings,
    EventSettings,
    IntakeSettings,
    TelemetrySettings,
):
    """Read once by a composition root and handed down; `SPOOL_` and the field's name in capitals.

    Secrets have no defaults: a process that lacks one does not start.
    """

    # An error tells which field is wrong and never its value, which may be a secret.
    model_config = SettingsConfigDict(
        env_prefix="SPOOL_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database_url: SecretStr = Field(
        description="postgresql+asyncpg://… of a login that may take the roles of the app."
    )
    migration_database_url: SecretStr | None = Field(
        default=None, description="The owner's URL, for migrations. Default: database_url."
    )
    database_pool_size: int = Field(
        default=10,
        ge=1,
        le=200,
        description="Connections a process keeps; half as many more in need.",
    )

    signing_keys: dict[str, SecretStr] = Field(
        description="Keys for tokens and URLs by key id, as JSON; 32 random bytes or more each."
    )
    signing_key_id: str = Field(description="Which of signing_keys signs; all of them verify.")

    public_url: str = Field(
        default="http://127.0.0.1:8000", description="What clients put before a path."
    )
    role: Literal["all", "uploader", "catalog", "accounts", "analytics"] = Field(
        default="all", description="Which routes this API serves: all of them, or one role's."
    )
    host: str = Field(default="127.0.0.1", description="Where the API listens.")
    port: int = Field(default=8000, ge=0, le=65535, description="Where the API listens.")

    keep_alive_seconds: int = Field(
        default=5,
        ge=1,
        description="How long a connection without requests stays open; longer than a load "
        "balancer in front keeps it, which else sends to one that is closing.",
    )

    worker_encode_slots: int = Field(default=1, ge=0, description="Encodes at once per worker.")
    worker_light_slots: int = Field(default=2, ge=0, description="Other tasks at once per worker.")
    worker_metrics_port: int | None = Field(
        default=None, description="Where a worker serves /health, /ready and /metrics."
    )
    scratch_root: Path | None = Field(default=None, description="Default: the system's temp dir.")
    lease_seconds: int = Field(
        default=30, ge=2, description="A worker silent for so long loses its tasks to others."
    )
    reconcile_seconds: float = Field(
        default=5.0, gt=0, description="Between two looks for what is stuck."
    )
    drain_seconds: float = Field(
        default=4.0,
        gt=0,
        description="SIGTERM to tasks being handed back; long enough, it lets encodes end first.",
    )
    ffmpeg_path: Path | None = Field(default=None, description="Default: found on the machine.")

    request_timeout_seconds: float = Field(
        default=15.0, gt=0, description="After so long a request is answered with 503."
    )
    requests_at_once: int = Field(
        default=128,
        ge=1,
        description="More requests at a time, media apart, are answered with 503 at once.",
    )
    simple_upload_max_bytes: int = Field(
        default=500 * MIB, ge=1, description="Largest file in one request."
    )
    upload_max_bytes: int = Field(default=5 * GIB, ge=1, description="Largest file in parts.")
    upload_part_bytes: int = Field(
        default=16 * MIB,
        ge=5 * MIB,
        description="Size of a part, for files of up to 10 000 of them.",
    )
    upload_expires_seconds: int = Field(
        default=24 * 3600, ge=1, description="An upload that takes longer is removed."
    )
    signed_url_seconds: int = Field(
        default=3600, ge=1, description="How long a signed link to the store works."
    )
    playback_token_seconds: int = Field(
        default=6 * 3600, ge=60, description="How long a playback token works unless it says."
    )
    access_token_seconds: int = Field(
        default=15 * 60, ge=60, description="How long one is signed in before a refresh."
    )
    refresh_token_seconds: int = Field(
        default=30 * 24 * 3600, ge=60, description="How long a sign-in can be refreshed."
    )

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _driver_is_asyncpg(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        scheme, separator, rest = url.get_secret_value().partition("://")
        if scheme in {"postgres", "postgresql", "postgresql+asyncpg"} and separator:
            return SecretStr(f"postgresql+asyncpg://{rest}")
        raise ValueError("must look like postgresql://user:password@host:5432/name")

    @field_validator("signing_keys")
    @classmethod
    def _keys_are_long(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        short = [name for name, key in keys.items() if len(key.get_secret_value()) < 32]
        if not keys or short:
            raise ValueError("needs a key, each of at least 32 characters")
        return keys

    @field_validator("public_url")
    @classmethod
    def _no_slash_at_the_end(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _choices_are_complete(self) -> Self:
        """A choice that needs more is refused at the start, with the name of what it needs."""
        for field, value, needed in _NEEDS:
            if self.role in _WITHOUT.get(field, ()):
                continue
            chosen = getattr(self, field)
            if chosen and value in {chosen, None} and not getattr(self, needed):
                choice = f"SPOOL_{field.upper()}" + (f"={value}" if value else "")
                raise ValueError(f"{choice} needs SPOOL_{needed.upper()} too")
        return self

    @model_validator(mode="after")
    def _workers_work(self) -> Self:
        if not self.worker_encode_slots + self.worker_light_slots:
            raise ValueError("SPOOL_WORKER_ENCODE_SLOTS and SPOOL_WORKER_LIGHT_SLOTS are both 0")
        return self

    @cached_property
    def signing_secrets(self) -> dict[str, bytes]:
        """Key bytes by key id."""
        if self.signing_key_id not in self.signing_keys:
            raise ValueError("SPOOL_SIGNING_KEY_ID names no key of SPOOL_SIGNING_KEYS")
        return {name: key.get_secret_value().encode() for name, key in self.signing_keys.items()}

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def database_login(self) -> str:
        """The user name in database_url: who is granted the app's roles."""
        return urlsplit(self.database_url.get_secret_value()).username or ""

    @property
    def owner_database_url(self) -> str:
        return (self.migration_database_url or self.database_url).get_secret_value()


def load_settings() -> Settings:
    """Settings of this process's environment.

    Raises:
        pydantic.ValidationError: something is missing or cannot be right; it names the field.
    """
    return Settings()  # type: ignore[call-arg]  # the environment gives what has no default
