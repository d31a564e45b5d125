"""checkov, which knows what to look for in manifests and plans. It calls nobody."""

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers.kept import kept, run

_REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "checkov.txt"


@dataclass(frozen=True)
class Finding:
    """What one check says of one resource.

    Args:
        where: The stack and what it is there: `prod/aws_s3_bucket.buckets-media`.
        about: What the check asks for.
    """

    check: str
    where: str
    passed: bool
    about: str


def findings(folder: Path, frameworks: Sequence[str]) -> list[Finding]:
    """Everything that checkov says of the files in `folder`, which has a folder for each stack.

    Raises:
        AssertionError: It cannot be installed, or does not read a file.
    """
    files = sorted(each for each in folder.glob("*/*") if each.is_file())
    arguments = [argument for each in files for argument in ("-f", str(each.relative_to(folder)))]
    run(
        folder,
        _installed(),
        *("-m", "checkov.main", *arguments, "--framework", *frameworks),
        *("--output", "json", "--output-file-path", ".", "--compact"),
        *("--soft-fail", "--skip-download"),  # not --quiet, which hides what passed
        # It asks nobody: not its makers, nor a registry for a newer release.
        BC_API_KEY="",
        CKV_SKIP_PACKAGE_UPDATE_CHECK="1",
        # Plans are read as JSON; as YAML, to know the lines, it takes many times as long.
        CHECKOV_MAX_IAC_FILE_SIZE="0",
        # The first run compiles what it imports, and the next ones start in half the time.
        PYTHONDONTWRITEBYTECODE="",
    )
    found = []
    for report in json.loads((folder / "results_json.json").read_text()):
        results = report["results"]
        assert results["parsing_errors"] == []
        for each in (*results["passed_checks"], *results["failed_checks"]):
            stack = each["file_path"].split("/")[1]
            passed = each["check_result"]["result"] == "PASSED"
            about = each["check_name"]
            found.append(Finding(each["check_id"], f"{stack}/{each['resource']}", passed, about))
    return found


def _installed() -> Path:
    """The Python that has it."""
    text = _REQUIREMENTS.read_bytes()
    (version,) = re.findall(rb"^checkov==(\S+)", text, re.MULTILINE)
    name = f"checkov-{version.decode()}-{hashlib.sha256(text).hexdigest()[:8]}"
    return kept(name, "bin/python", _install) / "bin" / "python"


def _install(folder: Path) -> None:
    run(folder, sys.executable, "-m", "venv", "--without-pip", ".")
    # Most of it is never imported, so it is not compiled here.
    pip = (sys.executable, "-m", "pip", "--python", "bin/python", "install", "--no-compile")
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar=off")
    run(folder, *pip, *quiet, "--no-deps", "--require-hashes", "-r", _REQUIREMENTS)
