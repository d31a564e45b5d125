"""Checkers that are written in Go, built once and kept."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

_BUILD_SECONDS = 280


def go_tool(name: str, package: str, version: str) -> Path:
    """The program `package` makes, from ~/.cache/spool; built when it is not there.

    Args:
        name: What it is called here; the last part of `package` may say little.
        version: A tag of its module.
    """
    program = Path.home() / ".cache" / "spool" / f"{name}-{version}" / name
    if program.is_file():
        return program
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"needs go, to build {name}")
    program.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent.parent) as folder:
        done = subprocess.run(
            [go, "install", f"{package}@{version}"],
            env=os.environ | {"GOBIN": folder},
            capture_output=True,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        program.parent.mkdir(exist_ok=True)
        # Whole or not there, also when two runs build it at once.
        (Path(folder) / package.rpartition("/")[2]).replace(program)
    return program
