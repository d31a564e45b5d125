"""Pages that tell of the program say what it is."""

import re

from typer.main import get_command

from infra.stacks.command import app
from tests.infra.pages import PAGE, rendered
from tests.infra.programs import ROOT


def test_resources_and_costs_are_those_of_the_program() -> None:
    page = PAGE.read_text()
    assert rendered(page) == page, "run python -m tests.infra.pages"


def test_commands_on_the_pages_are_there() -> None:
    command = get_command(app)
    known = set(command.commands)  # type: ignore[attr-defined]  # it is a group
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs/runbooks").glob("*.md")]
    typed = {
        name
        for page in (*pages, ROOT / "README.md")
        for name in re.findall(r"spool-env ([a-z]+)", page.read_text())
    }
    assert typed
    assert typed <= known
