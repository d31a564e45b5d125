"""Progress: bars on a terminal, a line at the end of each step elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from app.cli.words import of_seconds

_LABEL_WIDTH = 10
# Without a terminal, so that a log shows that something still moves.
_SAID_EVERY_SECONDS = 10.0


class Bar:
    """One step. Its figures come from who does the work; nothing is guessed here."""

    def __init__(self, bars: "Bars", label: str) -> None:
        self._bars = bars
        self._label = label
        self._began = time.monotonic()
        self._said = self._began
        self._ended = False
        self._row: TaskID | None = None
        if bars.drawn is not None:
            self._row = bars.drawn.add_task(label, total=1.0, note="")

    def show(self, fraction: float, note: str = "") -> None:
        """Args: `fraction`, 0 to 1."""
        if self._ended:
            return
        if self._bars.drawn is not None and self._row is not None:
            self._bars.drawn.update(self._row, completed=fraction, note=note)
        elif fraction > 0 and time.monotonic() - self._said > _SAID_EVERY_SECONDS:
            self._said = time.monotonic()
            self._bars.say(f"{self._label:<{_LABEL_WIDTH}} {fraction:4.0%}  {note}")

    def end(self, note: str, seconds: float | None = None) -> None:
        """The step is done.

        Args:
            seconds: How long it took; by default since the bar was made.
        """
        if self._ended:
            return
        took = of_seconds(time.monotonic() - self._began if seconds is None else seconds)
        self._ended = True
        if self._bars.drawn is not None and self._row is not None:
            self._bars.drawn.update(self._row, completed=1.0, note=f"{took}  {note}")
        else:
            self._bars.say(f"{self._label:<{_LABEL_WIDTH}} 100%  {took}  {note}")


class Bars:
    """Steps one below the other, while the `with` block is open."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.drawn: Progress | None = None
        if console.is_terminal:
            self.drawn = Progress(
                TextColumn("  {task.description:<10}"),
                BarColumn(bar_width=32),
                TextColumn("{task.percentage:>4.0f}%"),
                TextColumn("[dim]{task.fields[note]}", markup=True),
                console=console,
            )

    def add(self, label: str) -> Bar:
        return Bar(self, label)

    def say(self, text: str) -> None:
        self._console.print(text.rstrip(), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        if self.drawn is not None:
            self.drawn.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.drawn is not None:
            self.drawn.stop()
