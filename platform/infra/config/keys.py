"""Every key of the stack's configuration: its type, its default, and what it is for.

This table is the only place where a default stands. `Pulumi.yaml` and docs/stack-settings.md are
written from it (`python -m infra.config.reference`), and a test compares them with it.

A key whose default depends on the preset has the default `preset` in Pulumi.yaml, because the
engine asks a value for every typed key and knows nothing of presets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "number", "boolean", "list", "object"]
Preset = Literal["dev", "staging", "prod", "branch"]
Value = str | int | float | bool | list[str] | Mapping[str, object] | None

PRESETS: Sequence[Preset] = ("dev", "staging", "prod", "branch")


@dataclass(frozen=True)
class Key:
    """One key of `spool:`.

    Args:
        kind: What its text is read as.
        about: One sentence for people, without the defaults.
        default: For every preset, or None where the key may be absent.
        presets: Defaults by preset, instead of `default`.
        choices: All that is taken, for strings.
        least, most: Bounds of a number, both inside.
        secret: To be encrypted in the stack's file; never shown.
    """

    kind: Kind
    about: str
    default: Value = None
    presets: Mapping[Preset, Value] | None = None
    choices: Sequence[str] = ()
    least: float | None = None
    most: float | None = None
    secret: bool = False

    def default_for(self, preset: Preset) -> Value:
        return self.default if self.presets is None else self.presets[preset]


def by_preset(dev: Value, staging: Value, prod: Value, branch: Value = None) -> dict[Preset, Value]:
    """Defaults by preset; a branch's environment is like dev unless it says otherwise."""
    return {
        "dev": dev,
        "staging": staging,
        "prod": prod,
        "branch": dev if branch is None else branch,
    }
