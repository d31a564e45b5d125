"""Writes what people read of the table of keys: Pulumi.yaml and docs/stack-settings.md.

    python -m infra.config.reference

Run in the repository. A test compares both files with the table.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from infra.config.keys import PRESETS, Key
from infra.config.reading import BY_PRESET, NAMESPACE
from infra.config.table import SECTIONS

ROOT = Path(__file__).resolve().parents[3]

_HEAD = """\
# The Pulumi program. `config` is written by `python -m infra.config.reference` from
# platform/infra/config/table.py; values of a stack stand in Pulumi.<stack>.yaml.
name: spool
description: Spool, the video platform, in one's own AWS account
main: ./
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
config:
"""

_DOC_HEAD = """\
# Settings of a stack

What `Pulumi.<stack>.yaml` may say under `spool:`. Most stacks say little: `spool:preset` chooses a
column of defaults, and what a stack sets itself wins over it. Unknown keys, values that cannot be,
and combinations that cannot work are refused before anything is made. Written by
`python -m infra.config.reference`.

```sh
pulumi config set spool:natGateways one
```
"""


def pulumi_yaml() -> str:
    """The text of Pulumi.yaml."""
    return _HEAD + "".join(
        line
        for keys in SECTIONS.values()
        for name, key in keys.items()
        for line in _entry(name, key)
    )


def _entry(name: str, key: Key) -> Iterator[str]:
    """A key of Pulumi.yaml.

    The engine wants a value for every typed key, so those that may be absent have an empty text,
    and lists and objects are texts of JSON: its own lists cannot be empty. None is marked a secret,
    because a default is in the clear, and the engine would refuse every stack without the key.
    """
    yield f"  {NAMESPACE}:{name}:\n"
    kind, default = "string", ""
    if key.presets is not None:
        default = json.dumps(BY_PRESET)
    elif key.default is None:
        default = '""'
    elif key.kind in ("integer", "boolean"):
        kind, default = key.kind, json.dumps(key.default)
    elif key.kind in ("list", "object", "number"):
        default = json.dumps(json.dumps(key.default))
    else:
        default = json.dumps(key.default)
    yield f"    type: {kind}\n"
    yield f"    default: {default}\n"
    yield f"    description: {json.dumps(_description(key))}\n"


def _description(key: Key) -> str:
    return f"{key.about} {_taken(key)}".strip()


def _taken(key: Key) -> str:
    words = []
    if key.choices:
        words.append(f"One of {', '.join(key.choices)}.")
    if key.least is not None and key.most is not None:
        words.append(f"From {key.least:g} to {key.most:g}.")
    elif key.least is not None:
        words.append(f"From {key.least:g}.")
    if key.secret:
        words.append("Set with --secret.")
    return " ".join(words)


def reference() -> str:
    """The text of docs/stack-settings.md."""
    lines = [_DOC_HEAD]
    for section, keys in SECTIONS.items():
        lines.append(f"\n## {section}\n\n")
        lines.append("| Key | dev | staging | prod | branch | What it is |\n")
        lines.append("|---|---|---|---|---|---|\n")
        for name, key in keys.items():
            shown = [_shown(key, key.default_for(preset)) for preset in PRESETS]
            lines.append(f"| `{name}` | {' | '.join(shown)} | {_description(key)} |\n")
    return "".join(lines)


def _shown(key: Key, value: object) -> str:
    if value is None or value == "":
        return "none"
    if key.kind in ("list", "object") and isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value) or "none"
    return f"`{json.dumps(value) if not isinstance(value, str) else value}`"


def main() -> None:
    (ROOT / "Pulumi.yaml").write_text(pulumi_yaml())
    (ROOT / "docs" / "stack-settings.md").write_text(reference())


if __name__ == "__main__":
    main()
