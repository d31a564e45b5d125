"""What a machine without a suitable Python is told, before there is any Python of ours."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "with_python.sh"

OLD = "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' && exit 0\nexit 1\n"
# Answers as a Python 3.12 whose ensurepip is in another package.
BARE = """#!/bin/sh
case "$2" in *find_spec*) exit 1 ;; *version_info\\[:2\\]*) echo 3.12 ;; esac
exit 0
"""
GOOD = f'#!/bin/sh\nexec {sys.executable} "$@"\n'


def run(tmp_path: Path, **programs: str) -> "subprocess.CompletedProcess[str]":
    for name, text in programs.items():
        program = tmp_path / name.replace("_", ".")
        program.write_text(text)
        program.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", str(SCRIPT), "-c", "print('it runs')"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("programs", "told"),
    [
        ({}, "needs Python 3.11 or newer; here is no Python 3."),
        ({"python3": OLD}, "needs Python 3.11 or newer; here is Python 3.9.2."),
        ({"python3": OLD, "python3_12": BARE}, "sudo apt install python3.12-venv"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, programs: dict[str, str], told: str) -> None:
    done = run(tmp_path, **programs)
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stdout == ""


def test_the_one_that_is_able_is_taken(tmp_path: Path) -> None:
    done = run(tmp_path, python3=OLD, python3_12=BARE, python3_11=GOOD)
    assert done.stdout == "it runs\n"
