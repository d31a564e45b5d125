"""What must stay true of images, where no build is needed to see it."""

import re
from pathlib import Path

import pytest

from tools.images import DOCKERFILES

ROOT = Path(__file__).parents[3]
# Short names: which registry is asked is a matter of the machine.
_BASE = re.compile(
    r"^ARG BASE_IMAGE=([a-z0-9-]+(?:/[a-z0-9-]+)?:[\w.-]+@sha256:[0-9a-f]{64})$", re.MULTILINE
)


def text(name: str) -> str:
    return (ROOT / DOCKERFILES[name]).read_text()


def base(name: str) -> str:
    found = _BASE.findall(text(name))
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_base_is_pinned_and_the_only_one(name: str) -> None:
    assert base(name)
    sources = re.findall(r"^FROM (\S+)(?: AS (\w+))?", text(name), re.MULTILINE)
    stages = {stage for _, stage in sources}
    assert {source for source, _ in sources} <= {"${BASE_IMAGE}", "scratch"} | stages
    # The last one starts from nothing, so that no layer holds what was taken out.
    assert sources[-1] == ("scratch", "")


def test_python_is_the_same_everywhere() -> None:
    assert base("api") == base("worker")
    assert base("api") in (ROOT / ".github" / "workflows" / "ci.yml").read_text()


@pytest.mark.parametrize("name", DOCKERFILES)
def test_the_last_stage_says_who_runs_and_how_it_is_asked(name: str) -> None:
    last = text(name).rpartition("\nFROM ")[2]
    user = "101:101" if name == "console" else "1000:1000"
    assert re.findall(r"^USER (.*)$", last, re.MULTILINE) == [user]
    assert "\nHEALTHCHECK " in last
    assert "RUN " not in last
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in last


@pytest.mark.parametrize("name", ["api", "worker"])
def test_packages_are_installed_by_hash(name: str) -> None:
    assert f"tools/fill_image.sh packages {name}" in text(name)
    script = (ROOT / "tools" / "fill_image.sh").read_text()
    installs = re.findall(r"^ +\$(?:pip install|into) (.*)$", script, re.MULTILINE)
    # In a Dockerfile, one for the tools that another image needs.
    installs += re.findall(r"pip install ([^&]*)", text(name).replace("\\\n", ""))
    assert len(installs) >= 3
    for options in installs:
        assert "--require-hashes" in options or "--no-index" in options
