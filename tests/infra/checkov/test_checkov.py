"""checkov finds nothing in manifests and planned resources but what is written down as meant."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.infra.checkov.faults import FAULTS, Fault, planted
from tests.infra.checkov.plan import terraform_plan
from tests.infra.checkov.tool import Finding, findings
from tests.infra.checkov.waivers import WAIVERS, Waiver
from tests.infra.programs import recording_of
from tests.infra.recorder import Recorded
from tests.infra.stacks_of import plain

_STACKS = ("dev", "prod")
# Fewer, and something was not looked at. There were 476 and 742 of plans, 830 of manifests.
_FEWEST_OF_PLANS = {"dev": 300, "prod": 600}
_FEWEST_OF_MANIFESTS = 700


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Finding]:
    """One run for all: most of its seconds go into its start."""
    folder = tmp_path_factory.mktemp("checkov")
    programs = {stack: recording_of(stack).resources for stack in _STACKS}
    for stack, resources in {**programs, "planted": list(planted(programs["prod"]))}.items():
        _write(folder / stack, resources)
    return findings(folder, ["kubernetes", "terraform_plan"])


def _write(folder: Path, resources: Sequence[Recorded]) -> None:
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(terraform_plan(resources), default=str))
    # JSON is YAML, too.
    manifests = [
        json.dumps(plain(each.inputs)) for each in resources if "apiVersion" in each.inputs
    ]
    (folder / "manifests.yaml").write_text("\n---\n".join(manifests))


def _waives(waiver: Waiver, finding: Finding) -> bool:
    return waiver.check == finding.check and any(
        fnmatchcase(finding.where, pattern) for pattern in waiver.where
    )


def _failed(found: Iterable[Finding]) -> list[Finding]:
    return [each for each in found if not each.passed and not each.where.startswith("planted/")]


def test_what_fails_is_waived(found: Sequence[Finding]) -> None:
    unwaived = {
        f"{each.check} {each.where}: {each.about}"
        for each in _failed(found)
        if not any(_waives(waiver, each) for waiver in WAIVERS)
    }
    assert unwaived == set()


def test_each_waiver_is_of_use(found: Sequence[Finding]) -> None:
    failed = _failed(found)
    useless = {
        f"{waiver.check} {pattern}"
        for waiver in WAIVERS
        for pattern in waiver.where
        if not any(
            each.check == waiver.check and fnmatchcase(each.where, pattern) for each in failed
        )
    }
    assert useless == set()


def test_everything_is_looked_at(found: Sequence[Finding]) -> None:
    passed = Counter(
        (each.where.partition("/")[0], "plan" if "/aws_" in each.where else "manifests")
        for each in found
        if each.passed
    )
    print(f"passed: {passed}, failed: {len(_failed(found))}, waivers: {len(WAIVERS)}")
    for stack in _STACKS:
        assert passed[stack, "plan"] > _FEWEST_OF_PLANS[stack]
        assert passed[stack, "manifests"] > _FEWEST_OF_MANIFESTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.check} {fault.found}")
def test_a_planted_fault_is_found(found: Sequence[Finding], fault: Fault) -> None:
    said = {each.where: each.passed for each in found if each.check == fault.check}
    assert said[f"prod/{fault.found}"]
    assert not said[f"planted/{fault.found}"]
