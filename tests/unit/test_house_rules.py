"""What must stay true of the source, where no linter looks."""

import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ("app", "workers", "migrations", "platform", "tools")


def modules(*folders: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *(f"{folder}/**.py" for folder in folders)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def places(pattern: str, *folders: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in modules(*folders)
        if re.search(pattern, path.read_text(), re.MULTILINE)
    }


def test_modules_stay_small() -> None:
    sizes = [len(path.read_text().splitlines()) for path in modules(*SOURCE)]
    assert statistics.median(sizes) <= 120
    assert sum(size < 300 for size in sizes) >= 0.9 * len(sizes)
    assert max(sizes) <= 500


def test_transactions_end_in_one_module() -> None:
    assert places(r"\.begin\(\)|\.commit\(\)", "app", "workers") <= {
        "app/foundation/db/database.py"
    }


def test_the_environment_is_read_in_one_module() -> None:
    assert places(r"os\.environ(\[|\.get\b)|getenv", "app", "workers") == set()


@pytest.mark.parametrize(
    ("column", "machine"),
    [("Asset.state", "app/assets/states.py"), ("Task.state", "app/jobs/states.py")],
)
def test_a_state_is_written_by_its_machine(column: str, machine: str) -> None:
    model = column.partition(".")[0]
    writers = places(rf"update\({model}\)[^;]*?values\([^)]*\bstate=", "app", "workers")
    assert writers <= {machine}


def test_platform_shadows_nothing() -> None:
    assert list((ROOT / "platform").glob("*.py")) == []
    assert not (ROOT / "tests" / "platform").exists()
    import platform

    assert platform.python_version()


def test_the_app_never_runs_a_shell() -> None:
    assert places(r"shell\s*=\s*True|os\.system", *SOURCE) == set()


def test_suppressions_name_their_code_and_say_why() -> None:
    bare = r"#\s*type:\s*ignore(?!\[[\w, -]+\]\s+#\s*\w)|#\s*noqa(?!: [A-Z0-9, ]+\s+#\s*\w)"
    assert places(bare, *SOURCE) == set()
