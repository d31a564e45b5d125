"""The end of the deploy guide, typed word for word against a Spool that runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from tests.e2e.conftest import Machine

GUIDE = Path(__file__).parents[2] / "docs" / "deploy.md"


def test_a_video_plays_by_what_the_guide_says(machine: Machine, clip: Path, tmp_path: Path) -> None:
    section = GUIDE.read_text().split("## 6. A video")[1].split("\n## ")[0]
    register, upload = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    with machine.up("--port", "0"):
        values = {"URL": machine.url or "", "VIDEO": f"'{clip}'"}
        values["ACCESS_TOKEN"] = re.findall(
            r'"access_token":"([^"]+)"', _typed(register, values, tmp_path)
        )[0]
        head, tail = upload.split("export SPOOL_API_KEY=KEY")
        values["KEY"] = _typed(head, values, tmp_path).strip()
        shown = _typed(f"{head.splitlines()[0]}\nexport SPOOL_API_KEY=KEY{tail}", values, tmp_path)
        page = httpx.get(shown.split()[1])
    assert page.status_code == 200
    assert "<video" in page.text


def _typed(lines: str, values: dict[str, str], folder: Path) -> str:
    """What is printed by lines in whose words in capitals a person has put their own."""
    for word, value in values.items():
        lines = value.join(re.split(rf"(?<![A-Z_]){word}(?![A-Z_])", lines))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", lines],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
