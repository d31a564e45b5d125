import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.wakeup import Poison, WakeUp, entry_of, read_wakeup, xray_header

_TRACE = f"00-{0xABC << 96:032x}-{0xDEF:016x}-01"


def test_what_is_written_is_read() -> None:
    wakeup = WakeUp("tsk_0", "probe")
    assert read_wakeup(wakeup.body()) == wakeup


def test_members_of_a_later_version_are_passed_over() -> None:
    said = {"task_id": "tsk_0", "kind": "probe", "since": "tomorrow"}
    assert read_wakeup(json.dumps(said)) == WakeUp("tsk_0", "probe")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", Poison.NOT_JSON),
        ("[" * 100_000, Poison.NOT_JSON),
        ("7", Poison.NOT_AN_OBJECT),
        ("{}", Poison.NO_TASK_ID),
        ('{"task_id": 7, "kind": "probe"}', Poison.NO_TASK_ID),
        ('{"task_id": "", "kind": "probe"}', Poison.NO_TASK_ID),
        ('{"task_id": "a\\u0000", "kind": "probe"}', Poison.NO_TASK_ID),
        ('{"task_id": "tsk_0"}', Poison.UNKNOWN_KIND),
        ('{"task_id": "tsk_0", "kind": "dance"}', Poison.UNKNOWN_KIND),
    ],
)
def test_poison_is_told_apart(body: str, why: Poison) -> None:
    assert read_wakeup(body) is why


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_no_body_is_too_strange_to_be_read(body: str) -> None:
    assert isinstance(read_wakeup(body), WakeUp | Poison)


def test_x_rays_header_is_sent_where_it_is_asked_for() -> None:
    header = "Root=1-00000abc-000000000000000000000000;Parent=0000000000000def;Sampled=1"
    assert xray_header(_TRACE) == header
    assert xray_header(None) is xray_header("nonsense") is None
    system = entry_of(WakeUp("tsk_0", "probe"), "cor", _TRACE, xray=True)["MessageSystemAttributes"]
    assert system["AWSTraceHeader"]["StringValue"] == header
    assert "MessageSystemAttributes" not in entry_of(
        WakeUp("tsk_0", "probe"), "cor", _TRACE, xray=False
    )
