"""Measurements that belong to no noun. A noun's counters stand with the noun."""

import platform
from importlib.metadata import version

from prometheus_client import Counter, Gauge, Histogram

# Labels come from the route's template and never from the path, so that their number is bounded.
HTTP_REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "From the request's head to the end of the answer.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30),
)
SPANS_DROPPED = Counter(
    "spool_spans_dropped_total", "Spans that never reached the collector, by why.", ["reason"]
)
_BUILD = Gauge(
    "spool_build_info", "Always 1; the labels say which Spool this is.", ["version", "python"]
)
_BUILD.labels(version("spool"), platform.python_version()).set(1)
