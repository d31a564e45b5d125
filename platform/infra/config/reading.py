"""From the texts of a stack's configuration to typed values."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import pulumi
from pulumi.runtime import config as runtime_config

from infra.config.keys import PRESETS, Key, Preset, Value
from infra.config.table import KEYS

NAMESPACE = "spool"
# What Pulumi.yaml says where the default depends on the preset.
BY_PRESET = "preset"

Section = TypeVar("Section")


class ConfigInvalid(pulumi.RunError):
    """A stack's configuration cannot work. The engine prints the message without a traceback."""

    def __init__(self, stack: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"The configuration of stack {stack} cannot work:\n{lines}")


def snake(key: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", key)


def stack_values() -> dict[str, str]:
    """All values that the engine gave under `spool:`, secrets in the clear, by bare key."""
    prefix = f"{NAMESPACE}:"
    return {
        name.removeprefix(prefix): value
        for name, value in {
            **runtime_config.get_config_env(),
            **runtime_config.CONFIG.get(),
        }.items()
        if name.startswith(prefix)
    }


def unknown_keys(values: Mapping[str, str]) -> list[str]:
    problems = []
    for name in sorted(set(values) - set(KEYS)):
        near = difflib.get_close_matches(name, KEYS, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/stack-settings.md lists all."
        problems.append(f"spool:{name} is no key of Spool; {hint}")
    return problems


def read_section(
    section: type[Section],
    keys: Mapping[str, Key],
    values: Mapping[str, str],
    problems: list[str],
) -> Section:
    """One section's settings; what is wrong is added to `problems`, and its default taken."""
    preset = _preset(values)
    read: dict[str, Any] = {}
    for name, key in keys.items():
        default = key.default_for(preset)
        read[snake(name)] = default
        text = values.get(name, "")
        # Empty is what Pulumi.yaml says where there may be none; over a preset's default it is a
        # choice of the stack: no copies in another region, say.
        if text == BY_PRESET or (text == "" and not (name in values and key.presets)):
            continue
        try:
            read[snake(name)] = _parsed(text, key)
        except ValueError as error:
            problems.append(f"spool:{name} is {text!r}, but {error}")
    return section(**read)


def _preset(values: Mapping[str, str]) -> Preset:
    text = values.get("preset", "")
    return cast("Preset", text) if text in PRESETS else "dev"


def _parsed(text: str, key: Key) -> Value:
    if key.kind == "string":
        if key.choices and text not in key.choices:
            raise ValueError(f"must be one of {', '.join(key.choices)}.")
        return text
    if key.kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError("must be true or false.")
        return text == "true"
    if key.kind in ("integer", "number"):
        return _number(text, key)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"must be JSON: {error}.") from error
    if key.kind == "list":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("must be a list of texts.")
        return list(value)
    if not isinstance(value, dict):
        raise ValueError("must be an object.")  # noqa: TRY004  # of a text, not of Python
    return value


def _number(text: str, key: Key) -> Value:
    try:
        number = int(text) if key.kind == "integer" else float(text)
    except ValueError as error:
        kind = "a whole number" if key.kind == "integer" else "a number"
        raise ValueError(f"must be {kind}.") from error
    if key.least is not None and number < key.least:
        raise ValueError(f"must be {key.least:g} or more.")
    if key.most is not None and number > key.most:
        raise ValueError(f"must be {key.most:g} or less.")
    return number
