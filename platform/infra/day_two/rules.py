"""The same conditions as alarms for Prometheus. Pure."""

from collections.abc import Sequence
from typing import Any

from infra.day_two.watch import Watch


def rule_groups(watches: Sequence[Watch]) -> list[dict[str, Any]]:
    """`groups` of a PrometheusRule: one alert for everything that Prometheus can know."""
    return [
        {
            "name": "spool",
            "rules": [
                {
                    "alert": alert_name(watch.name),
                    "expr": watch.promql,
                    "for": f"{watch.minutes}m",
                    "labels": {"severity": watch.severity},
                    "annotations": {
                        "summary": watch.about,
                        "runbook": f"docs/runbooks/alarms.md#{watch.name}",
                    },
                }
                for watch in watches
                if watch.promql
            ],
        }
    ]


def alert_name(name: str) -> str:
    """`http-errors` → `SpoolHttpErrors`."""
    return "Spool" + "".join(part.capitalize() for part in name.split("-"))
