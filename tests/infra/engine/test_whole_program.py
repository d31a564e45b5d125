"""The whole program, `__main__.py`, on the real engine: made, left alone, looked at, ended."""

import runpy
from pathlib import Path

from infra.stacks import Environments
from tests.infra.engine.conftest import Engine
from tests.infra.programs import ROOT, minimal


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def test_dev_lives_and_ends(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: spool\nruntime: python\n")
    dev = Environments(tmp_path, program=_program).create("dev", "dev", minimal("dev"))
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
