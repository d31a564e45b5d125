"""The three dashboards once more, for Grafana over Prometheus. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from infra.day_two.watch import TIMED

Panel = tuple[str, str, Sequence[tuple[str, str]]]

_APPLICATION: Sequence[Panel] = (
    (
        "Requests per second",
        "reqps",
        [("{{route}}", "sum by (route) (rate(http_request_duration_seconds_count[5m]))")],
    ),
    (
        "Share of 5xx",
        "percentunit",
        [
            (
                "5xx",
                (
                    'sum(rate(http_request_duration_seconds_count{status=~"5.."}[5m]))'
                    " / sum(rate(http_request_duration_seconds_count[5m]))"
                ),
            )
        ],
    ),
    (
        "Latency",
        "s",
        [
            (
                f"p{quantile}",
                (
                    f"histogram_quantile(0.{quantile}, sum by (le)"
                    f" (rate(http_request_duration_seconds_bucket{{{TIMED}}}[5m])))"
                ),
            )
            for quantile in (50, 95, 99)
        ],
    ),
    (
        "Uploads per minute",
        "short",
        [("{{outcome}}", "60 * sum by (outcome) (rate(video_uploads_total[5m]))")],
    ),
    (
        "Time to playable, p95",
        "s",
        [
            (
                "since {{since}}",
                (
                    "histogram_quantile(0.95, sum by (le, since)"
                    " (rate(video_time_to_playable_seconds_bucket[15m])))"
                ),
            )
        ],
    ),
    ("Stuck rows", "short", [("{{table}}", "max by (table) (spool_stuck_rows)")]),
)
_WORKERS: Sequence[Panel] = (
    (
        "Tasks that wait",
        "short",
        [("{{queue}}", 'max by (queue) (spool_queue_tasks{state="ready"})')],
    ),
    ("Age of the oldest", "s", [("{{queue}}", "max by (queue) (spool_queue_oldest_seconds)")]),
    (
        "Processing time, p95",
        "s",
        [
            (
                "{{kind}}",
                (
                    "histogram_quantile(0.95, sum by (le, kind)"
                    " (rate(video_processing_seconds_bucket[15m])))"
                ),
            )
        ],
    ),
    (
        "How attempts end",
        "ops",
        [("{{outcome}}", "sum by (outcome) (rate(spool_tasks_total[5m]))")],
    ),
    (
        "Mended by the reconciler",
        "ops",
        [("{{what}}", "sum by (what) (rate(spool_repairs_total[5m]))")],
    ),
    (
        "Outbox",
        "short",
        [("{{channel}} {{state}}", "max by (channel, state) (spool_outbox_rows)")],
    ),
)
_INFRASTRUCTURE: Sequence[Panel] = (
    (
        "Nodes' CPU",
        "percentunit",
        [("{{instance}}", 'avg by (instance) (1 - rate(node_cpu_seconds_total{mode="idle"}[5m]))')],
    ),
    (
        "Nodes' memory",
        "percentunit",
        [("{{instance}}", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes")],
    ),
    (
        "Object store, p95",
        "s",
        [
            (
                "{{operation}}",
                (
                    "histogram_quantile(0.95, sum by (le, operation)"
                    " (rate(spool_store_operation_seconds_bucket[5m])))"
                ),
            )
        ],
    ),
    (
        "Object store, failures",
        "ops",
        [
            (
                "{{operation}}",
                'sum by (operation) (rate(spool_store_operations_total{outcome!="ok"}[5m]))',
            )
        ],
    ),
    (
        "Spans that were dropped",
        "ops",
        [("{{reason}}", "sum by (reason) (rate(spool_spans_dropped_total[5m]))")],
    ),
    ("Refused requests", "reqps", [("refused", "sum(rate(http_requests_refused_total[5m]))")]),
)


def grafana_dashboards() -> dict[str, str]:
    """File name to JSON, as Grafana's sidecar takes them from a ConfigMap."""
    return {
        f"spool-{name}.json": _dashboard(name, title, panels)
        for name, title, panels in (
            ("application", "Spool: application", _APPLICATION),
            ("workers", "Spool: workers", _WORKERS),
            ("infrastructure", "Spool: infrastructure", _INFRASTRUCTURE),
        )
    }


def _dashboard(name: str, title: str, panels: Sequence[Panel]) -> str:
    return json.dumps(
        {
            "uid": f"spool-{name}",
            "title": title,
            "tags": ["spool"],
            "schemaVersion": 39,
            "time": {"from": "now-6h", "to": "now"},
            "refresh": "30s",
            "panels": [_panel(index, *panel) for index, panel in enumerate(panels)],
        },
        indent=1,
    )


def _panel(index: int, title: str, unit: str, series: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "id": index + 1,
        "title": title,
        "type": "timeseries",
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "gridPos": {"x": (index % 2) * 12, "y": (index // 2) * 8, "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expr, "legendFormat": legend}
            for place, (legend, expr) in enumerate(series)
        ],
    }
