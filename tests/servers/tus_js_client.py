"""tus-js-client, the protocol's own client, from npm as package-lock.json pins it."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers.kept import kept
from tools.web_assets import NpmMissing, npm_command

_ROOT = Path(__file__).parents[2]
# What decides what npm installs.
_INPUTS = ("package.json", "package-lock.json", ".npmrc")


def node_modules() -> Path:
    """A folder with a node_modules that has it; made when it is missing.

    It skips where there is no npm, or none that reaches its registry.
    """
    digest = hashlib.sha256(b"".join((_ROOT / name).read_bytes() for name in _INPUTS))
    name = f"tus-js-client-{digest.hexdigest()[:16]}"
    return kept(name, "node_modules/tus-js-client", _install)


def _install(folder: Path) -> None:
    for name in _INPUTS:
        shutil.copy(_ROOT / name, folder)
    try:
        command = [*npm_command(), "ci", "--omit=optional", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except NpmMissing as error:
        pytest.skip(str(error))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm could not bring tus-js-client: {error.stderr[-500:]}")
