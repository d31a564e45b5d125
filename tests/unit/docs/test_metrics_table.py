"""The table of measurements is the registry's."""

import re
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

import app.asgi  # noqa: F401  # registers what the API measures
import workers.main  # noqa: F401  # registers what a worker measures

PAGE = Path(__file__).parents[3] / "docs" / "observability.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.+?) \|$", re.MULTILINE)
OF_THE_CLIENT = ("process_", "python_")


def registered() -> dict[str, tuple[str, tuple[str, ...], str]]:
    metrics: dict[str, Any] = {
        collector._name: collector
        for collector in REGISTRY._collector_to_names
        if hasattr(collector, "_labelnames")
    }
    found = {}
    for name, metric in metrics.items():
        scraped = f"{name}_total" if metric._type == "counter" else name
        if not scraped.startswith(OF_THE_CLIENT):
            found[scraped] = (metric._type, tuple(metric._labelnames), metric._documentation)
    return found


def test_the_table_tells_each_measurement_as_it_is() -> None:
    page = PAGE.read_text()
    told = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), text)
        for name, kind, labels, text in ROW.findall(page)
    }
    assert told == registered()
    assert list(told) == sorted(told)
