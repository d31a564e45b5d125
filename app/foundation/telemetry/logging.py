"""Logs: one JSON object a line on stdout, with the ids of request, trace and span, no secrets."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from app.foundation.telemetry.redaction import redact_members
from app.settings import Settings

log = structlog.get_logger("spool.process")

# A collector that is away is told of once in so long.
_QUIET_SECONDS = 60.0


def configure_logging(settings: Settings, *, service: str = "spool") -> None:
    """Sets up structlog, and sends what libraries log and what kills threads through the same.

    Args:
        service: Which of our processes this is.
    """
    level = logging.getLevelNamesMapping()[settings.log_level]

    def name_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _trace_ids(xray=settings.trace_format == "xray"),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        # Redacted last, so that nothing is added behind its back: tracebacks quote values too.
        final: list[Processor] = [
            name_service,
            structlog.processors.format_exc_info,
            _redacted,
            _json,
        ]
    else:
        final = [structlog.processors.format_exc_info, _redacted, structlog.dev.ConsoleRenderer()]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_Seldom("opentelemetry"))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                *shared,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries are asked for warnings only: their information is ours to give.
    root.setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    sys.excepthook = _crashed
    threading.excepthook = lambda ended: _crashed(
        ended.exc_type, ended.exc_value, ended.exc_traceback
    )


def _crashed(
    kind: type[BaseException], error: BaseException | None, where: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("process.crashed", exc_info=(kind, error, where))


class _Seldom(logging.Filter):
    """Lets one record in a minute through of what a library repeats, and says how many more."""

    def __init__(self, library: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._library = f"{library}."
        self._clock = clock
        self._next = 0.0
        self._held_back = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._library):
            return True
        now = self._clock()
        if now < self._next:
            self._held_back += 1
            return False
        record.held_back, self._held_back = self._held_back, 0
        self._next = now + _QUIET_SECONDS
        return True


def _trace_ids(*, xray: bool) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            trace_id = f"{span.trace_id:032x}"
            event["trace_id"] = trace_id
            event["span_id"] = f"{span.span_id:016x}"
            if xray:
                event["xray_trace_id"] = f"1-{trace_id[:8]}-{trace_id[8:]}"
        return event

    return add


def _redacted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return redact_members(event)


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=_text).decode()


def _text(value: Any) -> str:
    return str(value)
