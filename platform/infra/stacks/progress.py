"""What the engine is doing, on a terminal: how many resources are done and which are under way."""

from types import TracebackType
from typing import Self

from pulumi.automation.events import EngineEvent
from rich.console import Console
from rich.status import Status

_SHOWN = 3


class Progress:
    """A line that changes while the engine works; nothing where nobody looks.

    Args:
        console: Of the terminal.
    """

    def __init__(self, console: Console) -> None:
        self._status = Status("The engine starts", console=console)
        self._running: dict[str, str] = {}
        self._done = 0

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()

    def hear(self, event: EngineEvent) -> None:
        """Takes an event of the engine."""
        if event.resource_pre_event is not None:
            step = event.resource_pre_event.metadata
            self._running[step.urn] = f"{step.op.value} {step.urn.rsplit('::', 1)[-1]}"
        elif event.res_outputs_event is not None:
            self._running.pop(event.res_outputs_event.metadata.urn, None)
            self._done += 1
        elif event.res_op_failed_event is not None:
            self._running.pop(event.res_op_failed_event.metadata.urn, None)
        else:
            return
        self._status.update(self.line)

    @property
    def line(self) -> str:
        """Such as `12 done; create database, update api`."""
        under_way = list(self._running.values())
        more = f" and {len(under_way) - _SHOWN} more" if len(under_way) > _SHOWN else ""
        return f"{self._done} done; {', '.join(under_way[:_SHOWN])}{more}"
