"""The whole program, `__main__.py`, on the real engine: made, left alone, looked at, ended."""

import runpy
from pathlib import Path

import pytest

from infra.stacks import Environment, Environments
from infra.stacks.errors import StateProtected
from tests.infra.engine.conftest import Engine
from tests.infra.programs import ROOT, minimal

_SECRETS = {"cdnPrivateKeys"}


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def _environment(folder: Path, preset: str) -> Environment:
    (folder / "Pulumi.yaml").write_text("name: spool\nruntime: python\n")
    environments = Environments(folder, program=_program)
    config = minimal(preset)
    environment = environments.create(preset, preset)
    environment.configure({key: each for key, each in config.items() if key not in _SECRETS})
    environment.configure(
        {key: each for key, each in config.items() if key in _SECRETS}, secret=True
    )
    return environment


def test_dev_lives_and_ends(engine: Engine, tmp_path: Path) -> None:
    dev = _environment(tmp_path, "dev")
    plan = dev.preview()
    assert {each.operation for each in plan.changes} == {"create"}
    made = dev.up().changes
    assert set(made) == {"create"}
    assert made["create"] >= len(plan.changes)
    again = dev.up().changes
    assert again == {"same": made["create"]}
    assert dev.outputs().cluster_name == "spool-cluster-dev"

    engine.cloud.one("sns/topic:Topic::alarms")["displayName"] = "changed by hand"
    drift = dev.drift()
    assert drift.exit_code == 2
    assert len(drift.changes) == 1

    dev.destroy(all_state=True)
    assert engine.cloud.things == {}


def test_what_prod_keeps_is_not_destroyed(engine: Engine, tmp_path: Path) -> None:
    prod = _environment(tmp_path, "prod")
    prod.up()
    with pytest.raises(StateProtected):
        prod.destroy(all_state=True)
