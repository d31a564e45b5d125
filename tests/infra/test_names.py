"""What holds state keeps its name: another one would replace a database, or empty a bucket.

`names.json` has the URN and the physical name of everything stateful, by preset. Where a change is
meant, with an alias or a migration behind it: `python -m tests.infra.test_names`.
"""

import json
from pathlib import Path

import pytest

from infra.stacks.plans import STATEFUL
from tests.infra.programs import recording_of

_SNAPSHOT = Path(__file__).with_name("names.json")
_PRESETS = ("dev", "staging", "prod")
_NAMING = ("bucket", "identifier", "clusterIdentifier", "name", "description")


def _names(preset: str) -> dict[str, str]:
    return {
        each.urn.split("::", 2)[2]: next(
            str(each.inputs[name]) for name in _NAMING if each.inputs.get(name)
        )
        for each in sorted(recording_of(preset).resources, key=lambda each: each.urn)
        if each.type in STATEFUL
    }


@pytest.mark.parametrize("preset", _PRESETS)
def test_state_is_called_as_before(preset: str) -> None:
    assert _names(preset) == json.loads(_SNAPSHOT.read_text())[preset]


if __name__ == "__main__":
    names = {preset: _names(preset) for preset in _PRESETS}
    _SNAPSHOT.write_text(json.dumps(names, indent=1, sort_keys=True) + "\n")
