"""What the documentation says is so."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import typer

from app.cli.main import app as spool
from infra.config.table import KEYS
from infra.stacks.command import app as spool_env
from tools.settings_reference import PAGE, render

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {"spool": spool, "spool-env": spool_env}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(page.read_text()) if kind == language]


def tracked() -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(listed.stdout.splitlines())


def commands() -> list[str]:
    return [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]


def test_the_two_commands_come_first() -> None:
    first = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    assert first[0] == "make demo"
    assert "make test" in first


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("make ")])
def test_make_has_each_target(line: str) -> None:
    target = line.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def calls(page: Path) -> list[str]:
    """What a page tells to type of our programs, in blocks and within sentences."""
    shown = [line for block in blocks(page, "sh") for line in block.splitlines()]
    text = FENCE.sub("", page.read_text())
    said = re.findall(r"`([^`\n]+)`", text)
    found = [
        re.match(r"(?:\w+=\S+ )*(?:\S+/)?((?:spool|spool-env) [a-z].*)", line)
        for line in shown + said
    ]
    return [match[1] for match in found if match]


@pytest.mark.parametrize("line", [line for page in PAGES for line in calls(page)])
def test_our_programs_have_each_command_with_its_options(line: str) -> None:
    program, *words = line.split()
    command = typer.main.get_command(PROGRAMS[program])
    context = typer.Context(command)
    while words and hasattr(command, "get_command") and not words[0].startswith("-"):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_setting_of_a_stack_is_one(page: Path) -> None:
    named = set(re.findall(r"\bspool:([a-z]\w+)", page.read_text()))
    assert named - {"admins"} <= set(KEYS)  # that is a group in the cluster


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text())
    paths = {os.path.relpath(page.parent / target, ROOT) for target in targets}

    assert paths <= tracked() | {"docs"}


def test_the_tree_is_that_of_the_repository() -> None:
    [tree] = [block for block in blocks(ROOT / "README.md", "") if "app/  " in block]
    named, parent = set(), ""
    for line in tree.splitlines():
        entries = re.match(r"( *)((?:[\w.]+/ ?)+)", line)
        assert entries is not None, line
        folders = entries[2].split()
        if not entries[1]:
            parent = folders[0]
            named.add(parent)
        else:
            named |= {parent + folder for folder in folders}
    there = {f"{'/'.join(path.split('/')[:depth])}/" for path in tracked() for depth in (1, 2)}
    assert {name for name in named if name not in there} == set()
    top = {f"{path.split('/')[0]}/" for path in tracked() if "/" in path}
    assert {name for name in top if not name.startswith(".")} - named == set()
    nouns = {path for path in there if re.fullmatch(r"(app|workers)/[a-z]+/", path)}
    assert nouns - named == set()


def test_the_settings_page_lists_the_settings_as_they_are() -> None:
    assert PAGE.read_text() == render(), "run: python tools/settings_reference.py"
