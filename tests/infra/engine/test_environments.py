"""The library of stacks on the real engine: what is told, what is refused, and what helps then."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest

from examples.nightly import nightly
from infra.outputs import export
from infra.stacks import Environments
from infra.stacks.errors import (
    BackendAway,
    ConsentNeeded,
    ImagesUnpinned,
    NothingToRollBack,
    PlanStale,
    ReapFailed,
    StackExists,
    StackInvalid,
    StackMissing,
    StateProtected,
    UpdateFailed,
    UpdateRunning,
)
from tests.infra.engine.conftest import Engine

_IMAGE = "registry.example/spool/{}@sha256:{}"


class Program:
    """A small program whose parts tests change between runs."""

    def __init__(self) -> None:
        self.bucket = "videos"
        self.protect = False
        self.tags: Mapping[str, str] = {}

    def __call__(self) -> None:
        if pulumi.Config("spool").get("zones") == "9":
            raise pulumi.RunError("The configuration of stack dev cannot work:\n  - zones")
        aws.s3.Bucket(
            "media",
            bucket=f"{self.bucket}-{pulumi.get_stack()}",
            opts=pulumi.ResourceOptions(protect=self.protect),
        )
        aws.sns.Topic("alarms", tags=dict(self.tags))
        export(url="https://spool.example", queue_prefix="spool-dev")


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def environments(engine: Engine, program: Program, tmp_path: Path) -> Environments:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: spool\nruntime: python\n")
    return Environments(folder, program=program)


def _images(digit: str) -> dict[str, str]:
    return {
        key: _IMAGE.format(key, digit * 64) for key in ("apiImage", "workerImage", "consoleImage")
    }


def test_a_life(engine: Engine, environments: Environments, program: Program) -> None:
    dev = environments.create("dev", config={"owner": "films"})
    plan = dev.preview()
    assert {(each.operation, each.name) for each in plan.changes} == {
        ("create", "media"),
        ("create", "alarms"),
    }
    done = dev.up(plan)
    assert done.changes == {"create": 3}
    assert dev.outputs().url == "https://spool.example"
    assert dev.up().changes == {"same": 3}
    assert dev.drift().exit_code == 0

    engine.cloud.one("sns")["tags"] = {"by": "hand"}
    drift = dev.drift()
    assert (drift.exit_code, [each.name for each in drift.changes]) == (2, ["alarms"])

    assert [each.name for each in environments.all()] == ["dev"]
    dev.destroy(consent=["media"])
    assert engine.cloud.things == {}
    dev.remove()
    assert environments.all() == []


def test_names_that_are_there_and_names_that_are_not(environments: Environments) -> None:
    environments.create("dev")
    with pytest.raises(StackExists, match="already"):
        environments.create("dev")
    with pytest.raises(StackMissing, match=r"there are: dev.*spool-env create prod"):
        environments.get("prod")


def test_a_plan_is_what_is_done_or_nothing_is(environments: Environments, program: Program) -> None:
    dev = environments.create("dev")
    plan = dev.preview()
    program.tags = {"new": "yes"}
    program.bucket = "others"
    with pytest.raises(PlanStale, match="the program has changed"):
        dev.up(plan)
    dev.up()
    plan = dev.preview()
    dev.configure({"owner": "others"})
    with pytest.raises(PlanStale, match="configuration has changed"):
        dev.up(plan)
    plan = dev.preview()
    program.tags = {"new": "no"}
    with pytest.raises(PlanStale, match="the program has changed"):
        dev.up(plan)


def test_state_is_lost_by_consent_only(environments: Environments, program: Program) -> None:
    dev = environments.create("dev")
    dev.up()
    program.bucket = "renamed"
    plan = dev.preview()
    assert plan.changes[0].name == "media"
    assert plan.losses == ("media",)
    with pytest.raises(ConsentNeeded, match="--consent media"):
        dev.up(plan)
    assert dev.up(plan, consent=["media"]).changes["replace"] == 1
    with pytest.raises(ConsentNeeded):
        dev.destroy()
    program.protect = True
    dev.up()
    with pytest.raises(StateProtected, match="spool:protect"):
        dev.destroy(all_state=True)


def test_what_fails_says_which_and_why(
    engine: Engine, environments: Environments, program: Program
) -> None:
    dev = environments.create("dev")
    engine.cloud.failing["aws:sns/topic:Topic"] = "the quota of topics is used up"
    with pytest.raises(UpdateFailed) as failed:
        dev.up()
    assert failed.value.failures == ("aws:sns/topic:Topic alarms: the quota of topics is used up",)
    engine.cloud.failing.clear()
    assert dev.up().changes["create"] == 1
    dev.configure({"zones": "9"})
    with pytest.raises(StackInvalid, match="- zones"):
        dev.preview()


def test_a_lock_that_was_left(engine: Engine, environments: Environments) -> None:
    dev = environments.create("dev")
    dev.up()
    locks = engine.state / ".pulumi" / "locks" / "organization" / "spool" / "dev"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0e0d.json").write_text('{"pid": 1, "username": "gone", "hostname": "gone"}')
    with pytest.raises(UpdateRunning, match="spool-env unlock dev"):
        dev.up()
    dev.unlock()
    assert dev.up().changes == {"same": 3}


def test_promote_and_roll_back_by_digest(environments: Environments) -> None:
    dev, staging = environments.create("dev"), environments.create("staging", "staging")
    with pytest.raises(ImagesUnpinned, match="none are set"):
        staging.promote_from(dev)
    dev.configure({"apiImage": "registry.example/spool/api:3f2a"})
    with pytest.raises(ImagesUnpinned, match="3f2a"):
        staging.promote_from(dev)
    dev.configure(_images("1"))
    assert staging.promote_from(dev) == _images("1")
    staging.up()
    with pytest.raises(NothingToRollBack):
        staging.roll_back_images()
    dev.configure(_images("2"))
    staging.promote_from(dev)
    staging.up()
    assert staging.roll_back_images() == _images("1")
    staging.up()
    assert staging.images() == _images("1")


def test_environments_of_branches_end(
    engine: Engine, environments: Environments, program: Program
) -> None:
    branch = environments.create_for_branch("feature/Captions", "12h")
    branch.up()
    environments.create("dev").up()
    now = datetime.now(UTC)
    assert environments.reap(now) == []
    environments.create_for_branch("kept", "2h", {"protect": "true"}).up()
    program.protect = True
    environments.get("branch-kept").up()
    with pytest.raises(ReapFailed, match="branch-kept: Protected resources") as failed:
        environments.reap(now + timedelta(hours=13))
    assert failed.value.gone == (branch.name,)
    program.protect = False
    environments.get("branch-kept").up()
    assert environments.reap(now + timedelta(hours=13)) == ["branch-kept"]
    assert [each.name for each in environments.all()] == ["dev"]
    assert sum("s3" in key for key in engine.cloud.things) == 1


def test_the_example_reaps_and_tells_of_drift(
    engine: Engine, environments: Environments, capsys: pytest.CaptureFixture[str]
) -> None:
    environments.create("dev").up()
    assert nightly(environments) == 0
    engine.cloud.one("sns")["tags"] = {"by": "hand"}
    assert nightly(environments) == 2
    assert "dev: alarms (aws:sns/topic:Topic) tags" in capsys.readouterr().out


def test_a_passphrase_that_is_wrong(
    environments: Environments, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = environments.create("dev")
    dev.configure({"cdnPrivateKeys": "{}"}, secret=True)
    dev.up()
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another")
    with pytest.raises(BackendAway, match="passphrase"):
        dev.preview()
