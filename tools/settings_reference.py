"""Writes docs/settings.md from the settings themselves: `python tools/settings_reference.py`."""

from pathlib import Path

from pydantic_core import PydanticUndefined

from app.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

_HEAD = """# Settings

Read from the environment by the API and the workers, once, when they start. A process that lacks
one without a default does not start and says which. Written by `tools/settings_reference.py`.

| Variable | Default | What it is |
|---|---|---|
"""


def render() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = "(must be set)" if field.default is PydanticUndefined else f"`{field.default}`"
        rows.append(f"| `SPOOL_{name.upper()}` | {default} | {field.description} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(render())
