"""What carries mail."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol

from app.notifications.channels import Outcome


class Transport(Protocol):
    """Sends mail, each to its one recipient. Its calls block and belong into a thread."""

    def send(self, messages: Sequence[EmailMessage]) -> Sequence[Outcome]:
        """Tries each once; an outcome for each, in the same order."""
        ...

    def close(self) -> None: ...
