"""Settings of logs and traces."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class TelemetrySettings(BaseSettings):
    """What processes say of themselves."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="What is logged at least: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="`json` for machines, `console` for people."
    )
    otlp_endpoint: str | None = Field(
        default=None, description="OTLP collector, http://host:4317 or :4318; no traces without."
    )
    otlp_protocol: Literal["grpc", "http"] = Field(
        default="grpc", description="How the collector is spoken to: `grpc` or `http` (protobuf)."
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of traces begun here that are kept."
    )
    trace_format: Literal["w3c", "xray"] = Field(
        default="w3c", description="`xray` makes ids for X-Ray, reads and sends X-Amzn-Trace-Id."
    )
    environment: str | None = Field(
        default=None,
        description="Name of this deployment in traces, such as `staging`.",
    )
