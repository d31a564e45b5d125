"""The table of measurements in docs/observability.md is what the code registers."""

import importlib
import re
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "observability.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ?([^|]*?) ?\| (.+?) \|$", re.MULTILINE)
OF_THE_CLIENT = ("process_", "python_")


def registered() -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Type, labels and description by the name that is scraped."""
    for folder in ("app", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            if "prometheus_client" in path.read_text():
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = {}
    # The client has no other way to ask for the labels of what was never counted.
    metrics: list[Any] = list(REGISTRY._collector_to_names)
    for metric in metrics:
        if hasattr(metric, "_labelnames") and not metric._name.startswith(OF_THE_CLIENT):
            scraped = f"{metric._name}_total" if metric._type == "counter" else metric._name
            found[scraped] = (metric._type, tuple(metric._labelnames), metric._documentation)
    return found


def test_the_table_tells_each_measurement_as_it_is() -> None:
    told = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)), text)
        for name, kind, labels, text in ROW.findall(PAGE.read_text())
    }
    # A row: | `name` | type | `label`, `label` | The description, word for word. |
    assert told == registered()
    assert list(told) == sorted(told)
