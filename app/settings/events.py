"""Settings of what leaves the system: events and mail."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class EventSettings(BaseSettings):
    """Topics are named by origin: what the API did, and what workers did."""

    sns_endpoint_url: str | None = Field(
        default=None, description="Of a server that speaks SNS. Default: AWS, by the region."
    )
    sns_api_topic_arn: str | None = Field(
        default=None, description="Topic of events that began in the API; none are sent without."
    )
    sns_worker_topic_arn: str | None = Field(
        default=None, description="Topic of events that began in workers; none are sent without."
    )

    mail: Literal["none", "smtp", "ses", "file"] = Field(
        default="none", description="How mail leaves: `smtp`, `ses`, `file` (a folder), or `none`."
    )
    mail_from: str = Field(
        default="Spool <spool@localhost>", description="Sender of mail; verified, where SES asks."
    )
    mail_folder: str | None = Field(
        default=None, description="Where mail is written as .eml; needed where `mail` is `file`."
    )
    smtp_host: str | None = Field(
        default=None, description="Mail server; needed where `mail` is `smtp`."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    smtp_user: str | None = Field(default=None, description="Login at the mail server, if any.")
    smtp_password: SecretStr | None = Field(default=None, description="Its password.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`none` only for a server on this machine."
    )
    ses_endpoint_url: str | None = Field(
        default=None, description="Of a server that speaks SES v2. Default: AWS, by the region."
    )
