"""Settings of AWS as such: the region, and where its services are asked."""

from pydantic import Field
from pydantic_settings import BaseSettings


class CloudSettings(BaseSettings):
    """Credentials are not here: boto3 finds them where AWS puts them (IRSA, profile, variables)."""

    aws_region: str = Field(default="us-east-1", description="Region of everything on AWS.")
    aws_connect_seconds: float = Field(
        default=3.0, gt=0, description="After so long a connection to AWS is given up."
    )
    aws_read_seconds: float = Field(
        default=30.0, gt=0, description="After so long without an answer AWS is asked again."
    )
    aws_attempts: int = Field(
        default=3, ge=1, le=20, description="Tries of one request to AWS; S3 has its own setting."
    )
