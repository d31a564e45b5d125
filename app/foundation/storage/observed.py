"""Counts, times and traces what a store does, whichever store it is.

A class decorator and not a wrapper: the store stays what it is for all who ask
(`isinstance(store, LocalFiles)`), and what one operation calls of another is not counted twice.
"""

import functools
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from opentelemetry import trace
from opentelemetry.semconv.attributes import error_attributes
from opentelemetry.util.types import AttributeValue
from prometheus_client import Counter, Histogram

from app.foundation.storage.errors import (
    AlreadyExists,
    Changed,
    Incomplete,
    InvalidKey,
    NoSuchUpload,
    NotFound,
    PartInvalid,
    StoreError,
    WrongSize,
)

OPERATIONS = Counter(
    "spool_store_operations_total",
    "What the object store was asked for, by how that ended.",
    ["store", "operation", "outcome"],
)
SECONDS = Histogram(
    "spool_store_operation_seconds",
    "How long the object store took; for reads and lists, to their end.",
    ["store", "operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)

# Our operation, and what S3 calls the request that does most of it (`rpc.method`).
_CALLS = {
    "put": "PutObject",
    "put_file": "PutObject",
    "head": "HeadObject",
    "read": "GetObject",
    "download": "GetObject",
    "copy": "CopyObject",
    "delete": "DeleteObjects",
    "delete_prefix": "DeleteObjects",
    "list": "ListObjectsV2",
    "create_multipart": "CreateMultipartUpload",
    "put_part": "UploadPart",
    "list_parts": "ListParts",
    "complete_multipart": "CompleteMultipartUpload",
    "abort_multipart": "AbortMultipartUpload",
    "list_multiparts": "ListMultipartUploads",
    "check": "HeadBucket",
}
# Answers that callers ask for, and no fault of the store.
_NOT_FOUND = (NotFound, NoSuchUpload)
_PRECONDITION = (AlreadyExists, Changed)
_REFUSED = (InvalidKey, PartInvalid, WrongSize, Incomplete)
_tracer = trace.get_tracer("spool.store")
_within: ContextVar[bool] = ContextVar("within_store_operation", default=False)
S = TypeVar("S", bound=type)


def observed(system: str) -> Callable[[S], S]:
    """Makes a store's operations tell of themselves.

    Args:
        system: A word for the kind of store, such as `folder` or `s3`: a label and part of span
            names.
    """

    def decorate(store: S) -> S:
        for operation in _CALLS:
            method = getattr(store, operation)
            wrap = _awaited if inspect.iscoroutinefunction(method) else _iterating
            setattr(store, operation, wrap(system, operation, method))
        return store

    return decorate


def _awaited(
    system: str, operation: str, method: Callable[..., Awaitable[Any]]
) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _within.get():
            return await method(self, *args, **kwargs)
        token = _within.set(True)
        try:
            with _told(system, operation, args):
                return await method(self, *args, **kwargs)
        finally:
            _within.reset(token)

    return call


def _iterating(
    system: str, operation: str, method: Callable[..., AsyncIterator[Any]]
) -> Callable[..., AsyncIterator[Any]]:
    # Between two blocks the caller's code runs, which may well use the store: so this is never
    # "within", and no span is the current one.
    @functools.wraps(method)
    async def call(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        if _within.get():
            async for each in method(self, *args, **kwargs):
                yield each
            return
        with _told(system, operation, args):
            async for each in method(self, *args, **kwargs):
                yield each

    return call


@contextmanager
def _told(system: str, operation: str, args: tuple[Any, ...]) -> Iterator[None]:
    began = time.perf_counter()
    span: trace.Span | None = None
    if trace.get_current_span().is_recording():
        span = _begin_span(system, operation, args)
    outcome = "ok"
    try:
        yield
    except GeneratorExit:
        # Who reads stopped reading, which is theirs to do.
        raise
    except BaseException as error:
        outcome = _outcome(error)
        if span is not None:
            span.set_attribute(error_attributes.ERROR_TYPE, type(error).__name__)
            if not isinstance(error, (*_NOT_FOUND, *_PRECONDITION, *_REFUSED)):
                span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        OPERATIONS.labels(system, operation, outcome).inc()
        SECONDS.labels(system, operation).observe(time.perf_counter() - began)
        if span is not None:
            span.end()


def _outcome(error: BaseException) -> str:
    known = (
        (_NOT_FOUND, "not_found"),
        (_PRECONDITION, "precondition"),
        (_REFUSED, "refused"),
        (StoreError, "failed"),
        # The body that was to be stored broke off, most often.
        (Exception, "broken_off"),
    )
    return next((word for kind, word in known if isinstance(error, kind)), "cancelled")


def _begin_span(system: str, operation: str, args: tuple[Any, ...]) -> trace.Span:
    about: dict[str, AttributeValue] = {"spool.store.operation": operation}
    keys = [arg for arg in args if isinstance(arg, str)]
    if system == "s3":
        # OpenTelemetry's conventions for AWS SDKs and S3.
        about["rpc.system.name"] = "aws-api"
        about["rpc.method"] = f"S3/{_CALLS[operation]}"
        if keys:
            about["aws.s3.key"] = keys[0]
    elif keys:
        about["spool.store.key"] = keys[0]
    if operation == "delete":
        about["spool.store.keys"] = len(keys)
    return _tracer.start_span(f"{system} {operation}", kind=trace.SpanKind.CLIENT, attributes=about)
