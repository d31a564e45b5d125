"""A collector: takes spans by OTLP over gRPC and over HTTP, and shows what it was sent."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True)
class Link:
    trace_id: str
    span_id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """A span as it arrived; ids in hex, times in seconds since 1970."""

    service: str
    resource: Mapping[str, Any]
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    began: float
    ended: float
    failed: bool
    attributes: Mapping[str, Any]
    links: tuple[Link, ...]

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Collector:
    """Spans in the order in which they arrived."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._arrived = threading.Condition()
        # Requests, by how they came.
        self.requests: dict[str, int] = {"grpc": 0, "http": 0}
        self.grpc_url = ""
        self.http_url = ""

    @property
    def spans(self) -> list[Span]:
        with self._arrived:
            return list(self._spans)

    def take(self, request: ExportTraceServiceRequest, how: str) -> None:
        with self._arrived:
            self.requests[how] += 1
            self._spans += list(_spans(request))
            self._arrived.notify_all()

    def await_spans(self, enough: Callable[[list[Span]], bool], seconds: float = 30) -> list[Span]:
        """The spans, once they are enough."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while not enough(self._spans):
                left = deadline - time.monotonic()
                assert left > 0, f"only {sorted({span.name for span in self._spans})}"
                self._arrived.wait(left)
            return list(self._spans)


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector that listens on a gRPC port and on an HTTP port."""
    taken = Collector()
    served = grpc.server(ThreadPoolExecutor(max_workers=4))
    # No stubs are made for what the protocol's compiler writes.
    register: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    register(_Servicer(taken), served)
    taken.grpc_url = f"http://127.0.0.1:{served.add_insecure_port('127.0.0.1:0')}"
    served.start()
    http = _HttpServer(taken)
    taken.http_url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, name="otlp")
    thread.start()
    try:
        yield taken
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
        served.stop(None).wait()


class _Servicer(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, taken: Collector) -> None:
        self._taken = taken

    def Export(  # noqa: N802  # the protocol's name
        self,
        request: ExportTraceServiceRequest,
        context: grpc.ServicerContext,  # noqa: ARG002  # of the protocol
    ) -> ExportTraceServiceResponse:
        self._taken.take(request, "grpc")
        return ExportTraceServiceResponse()


class _HttpServer(ThreadingHTTPServer):
    def __init__(self, taken: Collector) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken = taken


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer

    def do_POST(self) -> None:
        # OTLP/HTTP: protobuf under this path (opentelemetry-proto, docs/specification.md).
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/x-protobuf":
            self.send_error(404)
            return
        self.server.taken.take(ExportTraceServiceRequest.FromString(body), "http")
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the base class
        """The spans say enough."""


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    service=resource["service.name"],
                    resource=resource,
                    name=span.name,
                    kind=SpanMessage.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    began=span.start_time_unix_nano / 1e9,
                    ended=span.end_time_unix_nano / 1e9,
                    failed=span.status.code == Status.StatusCode.STATUS_CODE_ERROR,
                    attributes=_attributes(span.attributes),
                    links=tuple(
                        Link(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
                        for link in span.links
                    ),
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    if which == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, which) if which else None
