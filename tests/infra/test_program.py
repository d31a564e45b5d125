"""The whole program for each preset: it runs, wires, and names what it makes as it did before."""

import pytest

from tests.infra.programs import run_program


@pytest.mark.parametrize("preset", ["dev", "staging", "prod", "branch"])
def test_it_runs(preset: str) -> None:
    recording = run_program(preset)
    print(preset, len(recording.resources))
    print(recording.outputs)
