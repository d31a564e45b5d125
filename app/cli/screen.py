"""What the commands print: results on standard output, everything else on standard error."""

import json
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from app.cli.errors import CommandFailed, Refused


def notes() -> Console:
    """For what a person reads while a program reads standard output."""
    return Console(stderr=True, soft_wrap=True)


def results() -> Console:
    return Console(soft_wrap=True)


def show_json(content: Mapping[str, Any] | Sequence[Any], *, one_line: bool = False) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=None if one_line else 2)
    # Straight out: rich would fold long lines.
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def line(console: Console, text: str = "", style: str = "") -> None:
    """Prints text as it is: what a server sends is never read as markup."""
    console.print(Text(text, style=style), soft_wrap=True)


def table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns without lines. Nothing is cut or folded, so that ids can be copied from it."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    for row, style in [(columns, "dim"), *((row, "") for row in rows)]:
        cells = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
        line(console, "  ".join(cells).rstrip(), style)


def show_failure(error: CommandFailed) -> None:
    """The error as sentences, with what to do and how to find it in the logs."""
    console = notes()
    line(console, f"error: {error.message}", "red")
    if isinstance(error, Refused):
        for each in error.problem.get("errors", []):
            where = each.get("pointer") or each.get("parameter")
            if where and each.get("detail") not in error.message:
                line(console, f"  {where}: {each.get('detail')}")
    if error.hint:
        line(console, error.hint)
    if isinstance(error, Refused) and error.correlation_id:
        line(console, f"correlation id: {error.correlation_id}", "dim")


def show_unforeseen(error: Exception) -> None:
    """A fault of this program: what there is to report goes into a file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="spool-", suffix=".txt", delete=False, errors="replace"
    ) as file:
        file.writelines(traceback.format_exception(error))
    console = notes()
    line(console, f"error: this is a fault of spool itself: {type(error).__name__}: {error}", "red")
    line(console, f"Please report it with what is in {file.name}")


def called_as() -> str:
    """How this program was called, for commands to copy: `.venv/bin/spool` or `spool`."""
    program = Path(sys.argv[0]).absolute()
    try:
        return str(program.relative_to(Path.cwd()))
    except ValueError:
        return program.name


def watch_url(asset: Mapping[str, Any]) -> str | None:
    """The page that plays a video; None when all its playback ids were revoked."""
    ids = asset["playback_ids"]
    url: str | None = ids[0]["urls"]["watch"] if ids else None
    return url
