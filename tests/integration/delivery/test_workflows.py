"""The workflows, as actionlint and ShellCheck see them, and what neither looks at."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers.kept import go_tool

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
_PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")


def read(path: Path) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for the truth value.
    return msgspec.yaml.decode(path.read_bytes().replace(b"\non:", b'\n"on":'), type=dict[str, Any])


def test_actionlint_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck, which actionlint gives the scripts to")
    actionlint = go_tool("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", "v1.7.7")
    done = subprocess.run(
        [actionlint, "-no-color", "-shellcheck=shellcheck", *WORKFLOWS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_shellcheck_finds_nothing_in_scripts() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("needs shellcheck")
    scripts = [ROOT / ".ci" / "run", ROOT / "requirements" / "compile.sh"]
    done = subprocess.run(
        ["shellcheck", *scripts, *(ROOT / "tools").glob("*.sh")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_with_the_version_beside(path: Path) -> None:
    for line in path.read_text().splitlines():
        used = line.strip().removeprefix("- ").partition("uses: ")[2]
        if used and not used.startswith("./"):
            action, _, comment = used.partition(" # ")
            assert _PINNED.fullmatch(action), line
            assert re.fullmatch(r"v\d+\.\d+\.\d+", comment), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_is_permitted_that_is_not_named(path: Path) -> None:
    workflow = read(path)
    granted = [workflow["permissions"]]
    granted += [job["permissions"] for job in workflow["jobs"].values() if "permissions" in job]
    for permissions in granted:
        assert permissions.items() <= {"contents": "read", "id-token": "write"}.items()


def test_there_are_no_keys() -> None:
    for path in WORKFLOWS:
        text = path.read_text()
        assert "secrets." not in text
        assert not re.search(r"aws[-_](access[-_]key|secret)", text, re.IGNORECASE)


def test_stages_follow_each_other() -> None:
    jobs = read(FOLDER / "deploy.yml")["jobs"]
    assert [(name, job.get("needs")) for name, job in jobs.items()] == [
        ("dev", None),
        ("staging", "dev"),
        ("prod", "staging"),
    ]
    assert all(job["with"]["stack"] == name for name, job in jobs.items())
    up = read(FOLDER / "deploy-stack.yml")["jobs"]["up"]
    assert up["concurrency"]["cancel-in-progress"] is False


def test_the_scan_comes_before_the_push() -> None:
    steps = read(FOLDER / "images.yml")["jobs"]["build"]["steps"]
    names = [step.get("name") for step in steps]
    refuses = names.index("Refuse critical and high ones that have a fix")
    assert steps[refuses]["with"]["severity"] == "CRITICAL,HIGH"
    assert steps[refuses]["with"]["exit-code"] == "1"
    assert refuses < names.index("Push")
