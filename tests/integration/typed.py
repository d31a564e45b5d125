"""`spool`, typed as who runs Spool types it: where the settings of a worker are."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.settings import Settings
from tests.integration.workers.process_environment import environment_of


class Typed:
    """What a command printed, and how it ended."""

    def __init__(self, *words: str) -> None:
        done = CliRunner().invoke(app, words)
        self.status, self.out, self.err = done.exit_code, done.stdout, done.stderr

    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


async def spool(*words: str) -> Typed:
    # Beside the test's own event loop: the command has one of its own.
    return await asyncio.to_thread(Typed, *words)


def set_environment(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    for name, value in environment_of(settings).items():
        if name.startswith("SPOOL_"):
            monkeypatch.setenv(name, value)
