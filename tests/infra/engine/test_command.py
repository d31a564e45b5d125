"""`spool-env` as it is typed, on the real engine: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.stacks import Environments, command, doctor
from infra.stacks.command import app
from tests.infra.engine.conftest import Engine
from tests.infra.engine.test_environments import Program


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def typed(
    engine: Engine, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CliRunner:
    """A terminal in the folder of a project with a small program."""
    (tmp_path / "Pulumi.yaml").write_text("name: spool\nruntime: python\n")

    def environments(**given: object) -> Environments:
        return Environments(tmp_path, program=program, **given)  # type: ignore[arg-type]  # its own

    monkeypatch.setattr(command, "Environments", environments)
    monkeypatch.setattr(doctor, "Environments", environments)
    return CliRunner()


def test_from_create_to_destroy(typed: CliRunner, tmp_path: Path) -> None:
    assert "spool-env preview dev" in typed.invoke(app, ["create", "dev"]).output
    planned = typed.invoke(app, ["preview", "dev", "--json"])
    plan = tmp_path / "plan.json"
    plan.write_text(planned.stdout)
    assert {each["name"] for each in json.loads(planned.stdout)["changes"]} == {"media", "alarms"}
    done = typed.invoke(app, ["up", "dev", "--plan", str(plan), "--json"])
    assert json.loads(done.stdout)["changes"]["create"] == 3
    again = typed.invoke(app, ["up", "dev", "--plan", str(plan)])
    assert (again.exit_code, "has changed since" in again.output) == (1, True)
    assert "--consent media" in typed.invoke(app, ["destroy", "dev"]).output
    assert typed.invoke(app, ["destroy", "dev", "--all-state", "--forget"]).exit_code == 0
    assert json.loads(typed.invoke(app, ["list", "--json"]).stdout) == []


def test_what_is_mistyped(typed: CliRunner) -> None:
    missing = typed.invoke(app, ["up", "prod"])
    assert (missing.exit_code, "spool-env create prod" in missing.output) == (1, True)
    assert typed.invoke(app, ["create", "dev", "--preset", "test"]).exit_code == 2


def test_a_new_key_signs_and_earlier_ones_verify(typed: CliRunner, tmp_path: Path) -> None:
    typed.invoke(app, ["create", "dev"])
    typed.invoke(app, ["keys", "new", "dev"])
    assert typed.invoke(app, ["keys", "new", "dev"]).exit_code == 0
    text = (tmp_path / "Pulumi.dev.yaml").read_text()
    assert "PRIVATE KEY" not in text
    config = Environments(tmp_path, program=Program()).get("dev").config()
    public = json.loads(config["spool:cdnPublicKeys"])
    assert len(public) == 2
    assert set(public) == set(json.loads(config["spool:cdnPrivateKeys"]))
    assert config["spool:cdnSigningKey"] == list(public)[-1]


def test_the_doctor(typed: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    typed.invoke(app, ["create", "dev"])
    found = {
        each["question"]: each
        for each in json.loads(typed.invoke(app, ["doctor", "dev", "--json"]).stdout)
    }
    assert found["Pulumi CLI"]["ok"]
    assert found["Backend of the state"]["answer"] == "1 stacks"
    assert not found["Login at AWS"]["ok"]
    assert "Sign in" in found["Login at AWS"]["advice"]
    assert found["Configuration of dev"]["ok"]
