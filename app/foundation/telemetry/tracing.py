"""Traces: every process has a provider, so that spans have ids; exporters are added to it."""

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider


def configure_tracing(service: str) -> TracerProvider:
    """Makes the process's provider. Without an exporter spans end in nothing but logs and rows."""
    provider = TracerProvider(resource=Resource({SERVICE_NAME: service}))
    trace.set_tracer_provider(provider)
    return provider
