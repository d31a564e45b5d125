"""The whole program as its users run it: by `pulumi` and `spool-env`, in a copy of the repository.

The copy has a virtual environment with this one's packages and its own Spool, as `make infra`
makes it.
"""

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.infra.engine.conftest import Engine
from tests.infra.programs import ROOT, minimal

_SECONDS = 240.0
_OPEN = """
import pulumi_aws as aws

anybody = aws.ec2.SecurityGroupIngressArgs(
    protocol="tcp", from_port=22, to_port=22, cidr_blocks=["0.0.0.0/0"]
)
aws.ec2.SecurityGroup("door", vpc_id="vpc-1", ingress=[anybody])
"""


class Copy:
    """A copy of what the Pulumi program is made of, and a terminal in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py", "platform"):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)
        environment = folder / ".venv"
        venv.create(environment)
        (packages,) = environment.glob("lib/python*/site-packages")
        this = Path(sys.executable).parents[1] / packages.relative_to(environment)
        (packages / "spool.pth").write_text(f"{folder}\n{folder / 'platform'}\n{this}\n")

    def type(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=self.folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )

    def spool_env(self, *argv: str) -> subprocess.CompletedProcess[str]:
        command = Path(sys.executable).with_name("spool-env")
        return self.type(str(self.folder / ".venv" / "bin" / "python"), str(command), *argv)

    def preview(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Plain `pulumi`, with the policy pack."""
        pack = "--policy-pack=platform/policy"
        return self.type("pulumi", "preview", "--stack=dev", pack, *argv)


@pytest.fixture
def copy(engine: Engine, language_host: None, tmp_path: Path) -> Copy:
    folder = tmp_path / "spool"
    folder.mkdir()
    return Copy(folder)


def test_dev_lives_and_ends(engine: Engine, copy: Copy) -> None:
    assert copy.spool_env("create", "dev").returncode == 0
    images = [f"spool:{key}={value}" for key, value in minimal("dev").items()]
    copy.type("pulumi", "config", "set-all", "--stack=dev", *(f"--plaintext={i}" for i in images))

    planned = copy.spool_env("preview", "dev", "--json")
    changes = json.loads(planned.stdout)["changes"]
    assert {each["operation"] for each in changes} == {"create"}
    plan = copy.folder / "plan.json"
    plan.write_text(planned.stdout)
    made = json.loads(copy.spool_env("up", "dev", "--plan", str(plan), "--json").stdout)["changes"]
    assert set(made) == {"create"}
    assert made["create"] >= len(changes)
    again = copy.preview("--expect-no-changes")
    assert (again.returncode, "✅ spool@" in again.stdout) == (0, True), again.stdout + again.stderr
    assert "cluster_name: spool-cluster-dev" in copy.spool_env("outputs", "dev").stdout

    assert copy.spool_env("drift", "dev").returncode == 0
    engine.cloud.one("sns/topic:Topic::alarms")["displayName"] = "changed by hand"
    drift = copy.spool_env("drift", "dev")
    assert (drift.returncode, "alarms" in drift.stdout) == (2, True)
    assert drift.stdout.count("update") == 1

    assert copy.spool_env("destroy", "dev", "--all-state", "--forget").returncode == 0
    assert engine.cloud.things == {}


def test_what_is_refused(engine: Engine, copy: Copy) -> None:
    copy.spool_env("create", "dev")
    copy.type("pulumi", "config", "set", "--stack=dev", "spool:regoin", "eu-west-1")
    refused = copy.spool_env("preview", "dev")
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "The configuration of stack dev cannot work:",
        "  - spool:regoin is no key of Spool; did you mean region?",
    ]

    (copy.folder / "__main__.py").write_text(_OPEN)
    looked = copy.preview()
    assert looked.returncode != 0
    assert "[mandatory]  no-open-security-groups" in looked.stdout
    assert "door lets the internet in" in looked.stdout
