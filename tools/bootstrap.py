"""Makes .venv and installs what is asked for: `python tools/bootstrap.py runtime dev web`.

runtime  what Spool runs on, and Spool itself as an editable install
infra    what the Pulumi program and `spool-env` need
dev      what tests, linters and benchmarks need besides
web      what browsers need, from npm; without npm or its registry Spool runs, but for the player

Each is skipped when nothing it is made of has changed since. Uses nothing but the standard
library, because it runs before anything is installed.
"""

import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "install.log"
FAILED = VENV / ".web-failed"

REQUIREMENTS: Mapping[str, Sequence[str]] = {
    "runtime": ("requirements/build.txt", "requirements/runtime.txt"),
    "infra": ("requirements/build.txt", "requirements/infra.txt"),
    "dev": ("requirements/dev.txt",),
    "node": ("requirements/node.txt",),
    "web": (),
}
# What else an installed set depends on.
INPUTS: Mapping[str, Sequence[str]] = {
    "runtime": ("pyproject.toml",),
    "infra": ("pyproject.toml",),
    "web": ("package-lock.json", "tools/web_assets.py"),
}
SOURCES = ("app", "workers", "migrations", "platform")
_NODE_OLDEST = 20
_LOG_LINES_SHOWN = 25


class SetupFailed(Exception):
    """A person has to do something; the message says what."""


def main(wanted: Sequence[str]) -> None:
    unknown = set(wanted) - {"runtime", "infra", "dev", "web"}
    if unknown or not wanted:
        raise SetupFailed(
            f"usage: bootstrap.py [runtime] [infra] [dev] [web], not {' '.join(wanted)}"
        )
    # Tests and linters look at the Pulumi program too.
    chosen = {*wanted, *(("infra",) if "dev" in wanted else ())}
    install([name for name in ("runtime", "infra", "dev") if name in chosen])
    if "web" in wanted:
        fill_web()


def install(names: Sequence[str]) -> None:
    """Installs sets of requirements in one go, those that are not there yet."""
    missing = [name for name in names if not is_installed(name)]
    if not missing:
        return
    began = time.monotonic()
    make_venv()
    files = [file for name in missing for file in REQUIREMENTS[name]]
    pip_install(
        f"{', '.join(missing)} requirements",
        "--require-hashes",
        *(argument for file in files for argument in ("-r", str(ROOT / file))),
    )
    if {"runtime", "infra"} & set(missing):
        pip_install("spool", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    compile_modules()
    for name in missing:
        stamp(name).write_text(fingerprint(name))
    say(f"installed into {VENV.name} in {time.monotonic() - began:.0f} s")


def make_venv() -> None:
    """Makes .venv where there is none, or where it is of no use: half made, its Python gone."""
    if PYTHON.exists() and runs([str(PYTHON), "-m", "pip", "--version"]):
        return
    if Path(sys.prefix) == VENV:
        raise SetupFailed(f"{VENV} has no pip. Delete it, then run this again.")
    shutil.rmtree(VENV, ignore_errors=True)
    version = ".".join(map(str, sys.version_info[:3]))
    say(f"making {VENV.name} with Python {version}")
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupFailed(f"{VENV} cannot be made:\n{done.stdout}{done.stderr}")


def pip_install(what: str, *arguments: str) -> None:
    """Runs pip, with one line that moves on a terminal; all that pip says goes into the log.

    Raises:
        SetupFailed: with the end of the log.
    """
    say(f"installing {what}")
    # Compiled afterwards, on all cores.
    command = [PYTHON, "-m", "pip", "install", "--no-input", "--no-compile", "--progress-bar=off"]
    lines: list[str] = []
    with LOG.open("a") as log:
        process = subprocess.Popen(
            [*map(str, command), "--disable-pip-version-check", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout is not None  # noqa: S101  # asked for a line above
        for line in process.stdout:
            log.write(line)
            lines.append(line)
            show_briefly(line)
        process.wait()
    show_briefly("")
    if process.returncode != 0:
        end = "".join(lines[-_LOG_LINES_SHOWN:])
        raise SetupFailed(f"pip failed; all it said is in {LOG.relative_to(ROOT)}.\n{end}")


def compile_modules() -> None:
    """Here, because a Python that is told to write no bytecode would compile at every start."""
    folders = [*VENV.glob("lib/python*/site-packages"), *(ROOT / name for name in SOURCES)]
    # The Pulumi SDKs are a third of a gigabyte, of which a program imports little.
    command = [
        str(PYTHON),
        "-m",
        "compileall",
        "-q",
        "-j",
        "0",
        "-x",
        "pulumi_",
        *map(str, folders),
    ]
    # Some packages carry files for other versions of Python, which do not compile.
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def fill_web() -> None:
    """What browsers need; its absence is told and does not stop Spool."""
    if (ROOT / "app/static/vendor/.from").exists() and is_installed("web"):
        return
    if FAILED.is_file() and FAILED.read_text() == fingerprint("web"):
        say("going on without what npm could not bring last time; make web tries again")
        return
    if shutil.which("node") is None or shutil.which("npm") is None or node_version() < _NODE_OLDEST:
        install(["node"])
    if not (ROOT / "app/static/vendor/.from").exists():
        say("fetching the player's and the API page's scripts, and the demo's clip, with npm")
    command = [str(PYTHON), str(ROOT / "tools/web_assets.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode == 0:
        stamp("web").write_text(fingerprint("web"))
        FAILED.unlink(missing_ok=True)
        return
    with LOG.open("a") as log:
        log.write(done.stderr)
    # Npm tries for a minute; the next start should not have to wait for that again.
    FAILED.write_text(fingerprint("web"))
    why = next((line for line in done.stderr.splitlines() if "code" in line), "see below")
    say(f"npm failed: {why.removeprefix('npm error ')}; all it said is in {LOG.relative_to(ROOT)}")
    say("The player works in browsers with HLS of their own only, and the API page does not.")
    say("Everything else does. To try again: make web")


def node_version() -> int:
    """The major version of the machine's Node.js; 0 when it does not say."""
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major = done.stdout.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def is_installed(name: str) -> bool:
    return (
        PYTHON.exists() and stamp(name).is_file() and stamp(name).read_text() == fingerprint(name)
    )


def stamp(name: str) -> Path:
    return VENV / f".installed-{name}"


def fingerprint(name: str) -> str:
    """Changes when what is to be installed does, or where it lies."""
    digest = hashlib.sha256(str(ROOT).encode())
    for file in (*REQUIREMENTS[name], *INPUTS.get(name, ())):
        digest.update((ROOT / file).read_bytes())
    return digest.hexdigest()


def runs(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def say(text: str) -> None:
    # Standard output is for what a program reads: the last line of `make demo ONCE=1`.
    sys.stderr.write(f"setup: {text}\n")
    sys.stderr.flush()


def show_briefly(line: str) -> None:
    """A line that the next one takes the place of; nothing where there is no terminal."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{line.strip()[:width]}")
        sys.stderr.flush()


def guarded(work: Callable[[], None]) -> int:
    try:
        work()
    except SetupFailed as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))
