"""Pages that tell of the program say what it is."""

import re
from collections.abc import Iterator
from typing import Any

from tests.infra.outputs import ACCOUNT
from tests.infra.pages import PAGE, rendered
from tests.infra.programs import ROOT, recording_of


def test_resources_and_costs_are_those_of_the_program() -> None:
    page = PAGE.read_text()
    assert rendered(page) == page, "run python -m tests.infra.pages"


def test_the_runbook_of_restores_names_what_the_program_makes() -> None:
    page = (ROOT / "docs/runbooks/restore.md").read_text()
    named = set(
        re.findall(r"\b(?:alias/)?spool-[a-z0-9-]+(?:-ACCOUNT)?-(?:STACK|recovery)\b", page)
    )
    prod = {re.sub("STACK|recovery$", "prod", name.replace("ACCOUNT", ACCOUNT)) for name in named}
    assert len(prod) > 10
    made = {text for each in recording_of("prod").resources for text in _texts(each.inputs)}
    assert prod <= made


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
