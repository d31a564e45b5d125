"""The settings of a test as the environment of a process."""

import json
import os
from pathlib import Path

from pydantic import SecretStr

from app.settings import Settings


def environment_of(settings: Settings) -> dict[str, str]:
    """This process's own, with every setting that is not its default."""
    said = settings.model_dump(exclude_defaults=True)
    return {**os.environ, **{f"SPOOL_{name.upper()}": _as_text(it) for name, it in said.items()}}


def _as_text(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return json.dumps({name: _as_text(each) for name, each in value.items()})
        case str() | Path():
            return str(value)
        case _:
            return json.dumps(value)
