"""The rules hold for every preset's program, and each tells the mistakes that it is there for."""

import functools
from dataclasses import replace

import pytest

from infra.config.keys import PRESETS
from policy.rules import ALL
from policy.rules.rule import Stack
from tests.infra.faults import FAULTS, Fault
from tests.infra.programs import recording_of
from tests.infra.stacks_of import stack_of

_RULES = {rule.name: rule for rule in ALL}


@functools.cache
def planned(preset: str, *, preview: bool = False) -> Stack:
    return stack_of(recording_of(preset, preview=preview), preset)


def broken(stack: Stack) -> list[str]:
    return [
        f"{each.rule}: {each.resource.name} {each.message}"
        for rule in ALL
        for each in rule.violations(stack)
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_program_breaks_no_rule(preset: str) -> None:
    assert broken(planned(preset)) == []


def test_a_preview_of_a_new_stack_breaks_no_rule() -> None:
    assert broken(planned("prod", preview=True)) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}: {fault.what}")
def test_a_planted_fault_is_named_by_its_rule(fault: Fault) -> None:
    assert list(_RULES[fault.rule].violations(fault.planted_in(planned("prod"))))


def test_every_rule_has_a_planted_fault() -> None:
    caught = sum(
        any(_RULES[each.rule].violations(each.planted_in(planned("prod")))) for each in FAULTS
    )
    print(f"{caught} of {len(FAULTS)} planted faults caught by {len(ALL)} rules")
    # Residency is a property of the whole stack; it has a test of its own.
    assert {each.rule for each in FAULTS} == set(_RULES) - {"eu-residency"}
    assert len(FAULTS) >= 40


def test_residency_is_asked_for_by_the_stack() -> None:
    abroad = replace(planned("prod"), eu_residency=True)
    assert [each.resource.name for each in _RULES["eu-residency"].violations(abroad)] == [
        "aws",
        "aws-replica",
    ]
