"""Traces: the process's provider, and how spans get from it to a collector.

Without a collector nothing is recorded: spans have ids, for logs and rows, and cost little more.
"""

import os
import socket
from collections.abc import Mapping
from importlib.metadata import version
from urllib.parse import urlsplit

from opentelemetry import propagate, trace
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.semconv.attributes import deployment_attributes, service_attributes
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.foundation.db.ids import random_id
from app.foundation.telemetry.export import SpanQueue
from app.foundation.telemetry.ids import PlannedIds
from app.settings import Settings

# A collector that takes longer is away; spans wait meanwhile, as many as the queue holds.
_EXPORT_SECONDS = 5
_HTTP_PATH = "/v1/traces"
# Long enough for the command line of an encode with all renditions.
_LIMITS = SpanLimits(max_span_attributes=64, max_span_attribute_length=8192)


def configure_tracing(settings: Settings, service: str) -> TracerProvider:
    """Makes the process's provider, and says what is read from and sent to others.

    Args:
        service: Which of our processes this is: `service.name`.
    """
    xray = settings.trace_format == "xray"
    provider = TracerProvider(
        sampler=_sampler(settings),
        resource=Resource.create(_resource(settings, service)),
        id_generator=PlannedIds(AwsXRayIdGenerator() if xray else RandomIdGenerator()),
        span_limits=_LIMITS,
        shutdown_on_exit=False,  # `flush_tracing` says when, and for how long at most
    )
    if settings.otlp_endpoint is not None:
        provider.add_span_processor(SpanQueue(_exporter(settings, settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)
    w3c = TraceContextTextMapPropagator()
    # The last one that finds something is believed: X-Ray's header is the load balancer's.
    propagate.set_global_textmap(CompositePropagator([w3c, AwsXRayPropagator()]) if xray else w3c)
    return provider


def flush_tracing() -> None:
    """Sends what waits, for two seconds at the most; the process ends after that."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def _sampler(settings: Settings) -> Sampler:
    if settings.otlp_endpoint is None:
        return ALWAYS_OFF
    # Whoever began the trace decides for all of it, so that there are no halves of traces.
    return ParentBased(TraceIdRatioBased(settings.trace_sample_ratio))


def _resource(settings: Settings, service: str) -> Mapping[str, str]:
    known = {
        service_attributes.SERVICE_NAME: service,
        service_attributes.SERVICE_NAMESPACE: "spool",
        service_attributes.SERVICE_VERSION: version("spool"),
        service_attributes.SERVICE_INSTANCE_ID: (
            f"{socket.gethostname()}:{os.getpid()}:{random_id(6)}"
        ),
    }
    if settings.environment is not None:
        known[deployment_attributes.DEPLOYMENT_ENVIRONMENT_NAME] = settings.environment
    return known


def _exporter(settings: Settings, endpoint: str) -> SpanExporter:
    # Imported where they are wanted: they take long, and a process without a collector starts fast.
    if settings.otlp_protocol == "grpc":
        # Its handlers of fork(2) write lines to stderr; what we fork becomes another program.
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
            OTLPSpanExporter as GrpcExporter,
        )

        return GrpcExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter as HttpExporter,
    )

    # Unlike the variable of OpenTelemetry's own, the argument is the whole URL.
    whole = endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _HTTP_PATH
    return HttpExporter(endpoint=whole, timeout=_EXPORT_SECONDS)
