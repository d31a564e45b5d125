"""Programs of others that tests run: built or installed once, and kept below ~/.cache/spool."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

_CACHE = Path.home() / ".cache" / "spool"
_BUILD_SECONDS = 900.0


def kept(name: str, holds: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name; it appears whole or not at all.

    Args:
        holds: Something that is in it once it is made.
        make: Fills an empty folder.
    """
    place = _CACHE / name
    if (place / holds).exists():
        return place
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as temporary:
        draft = Path(temporary) / "draft"
        draft.mkdir()
        make(draft)
        if not (place / holds).exists():  # another run may have been faster
            shutil.rmtree(place, ignore_errors=True)
            draft.rename(place)
    return place


def go_tool(name: str, package: str, version: str) -> Path:
    """The program that a Go package makes.

    Args:
        name: What it is called here; the last part of `package` may say little.
        version: A tag of its module.
    """

    def install(folder: Path) -> None:
        require("go")
        run(folder, "go", "install", f"{package}@{version}", GOBIN=str(folder))
        (folder / package.rpartition("/")[2]).rename(folder / name)

    return kept(f"{name}-{version}", name, install) / name


def require(*tools: str) -> None:
    """Skips where one of these is not installed; see `tests/conftest.py` for CI."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


def run(
    folder: Path, *argv: str | Path, seconds: float = _BUILD_SECONDS, **environment: str
) -> str:
    """What a step of a build, run in `folder`, printed; all that it said is in the failure."""
    done = subprocess.run(
        argv,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{argv[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
