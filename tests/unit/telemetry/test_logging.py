import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry import context, trace

from app.foundation.telemetry.logging import configure_logging
from app.settings import Settings

_SETTINGS = {
    "database_url": "postgresql://spool:a-password-nobody-sees@db/spool",
    "signing_keys": {"k": "k" * 32},
    "signing_key_id": "k",
    "store_root": "/nowhere",
}


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Logging is the process's: what a test sets up is taken down."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    hooks = sys.excepthook, threading.excepthook
    yield
    root.handlers = handlers
    sys.excepthook, threading.excepthook = hooks
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.configure(**before)


def configure(**changes: str) -> None:
    configure_logging(Settings.model_validate(_SETTINGS | changes), service="spool-test")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_libraries_log_is_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logging.getLogger("botocore").warning("signed with %s", "Bearer abcdef.ghijkl.mnopqr")
    [line] = lines(capsys)
    assert (line["logger"], line["level"], line["service"]) == ("botocore", "warning", "spool-test")
    assert line["event"] == "signed with Bearer [redacted]"


def test_a_traceback_is_in_the_line_without_its_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    try:
        int("postgresql://spool:hunter2@db/spool")
    except ValueError:
        structlog.get_logger().exception("request.failed")
    [line] = lines(capsys)
    assert "Traceback" in str(line["exception"])
    assert "hunter2" not in str(line)


def test_the_ids_of_a_trace_in_both_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    configure(trace_format="xray")
    here = trace.SpanContext(0x5F00_0000 << 96 | 0xABC, 0xDEF, is_remote=False)
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(here)))
    structlog.get_logger().info("here")
    context.detach(token)
    [line] = lines(capsys)
    assert line["trace_id"] == "5f000000000000000000000000000abc"
    assert line["xray_trace_id"] == "1-5f000000-000000000000000000000abc"
    assert line["span_id"] == "0000000000000def"


def test_a_collector_that_is_away_is_told_of_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    for _ in range(50):
        logging.getLogger("opentelemetry.exporter").error("Failed to export")
    assert len(lines(capsys)) == 1


def test_what_kills_a_thread_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    thread = threading.Thread(target=lambda: 1 // 0)
    thread.start()
    thread.join()
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == ("process.crashed", "critical")


def test_settings_that_are_wrong_are_refused_without_showing_them() -> None:
    with pytest.raises(ValueError, match="signing_key_id") as refused:
        Settings.model_validate(
            {name: value for name, value in _SETTINGS.items() if name != "signing_key_id"}
        )
    assert "a-password-nobody-sees" not in str(refused.value)
