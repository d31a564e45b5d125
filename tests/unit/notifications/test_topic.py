import json

from hypothesis import given
from hypothesis import strategies as st

from app.notifications.message import MAX_BYTES
from app.notifications.topic import Entry, batches, entry_of
from tests.unit.notifications.deliveries import delivery

SPAN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_message_says_what_happened_where_and_when() -> None:
    entry = entry_of(0, delivery(traceparent=SPAN))
    assert json.loads(entry.body) == {
        "id": "evt_1",
        "type": "asset.ready",
        "version": 1,
        "project_id": "prj_1",
        "asset_id": "ast_1",
        "data": {"state": "ready"},
        "occurred_at": "2031-05-04T12:00:00Z",
        "correlation_id": "cor_1",
        "origin": "worker",
    }
    assert entry.attributes == {
        "type": "asset.ready",
        "project_id": "prj_1",
        "correlation_id": "cor_1",
        "traceparent": SPAN,
    }


def test_without_a_trace_there_is_no_empty_attribute() -> None:
    assert "traceparent" not in entry_of(0, delivery()).attributes


@given(st.integers(0, 300_000))
def test_a_message_always_fits(characters: int) -> None:
    entry = entry_of(0, delivery(data={"error": "é" * characters}))
    assert entry.size <= MAX_BYTES
    body = json.loads(entry.body)
    assert body.get("data_omitted", False) == (body["data"] == {})


def test_no_more_is_omitted_than_must_be() -> None:
    room = MAX_BYTES - entry_of(0, delivery(data={"error": ""})).size
    assert "data_omitted" not in entry_of(0, delivery(data={"error": "x" * room})).body
    assert "data_omitted" in entry_of(0, delivery(data={"error": "x" * (room + 1)})).body


@given(st.lists(st.integers(1, MAX_BYTES), max_size=60))
def test_batches_keep_the_order_and_both_limits(sizes: list[int]) -> None:
    entries = [Entry(place, "x" * size, {}) for place, size in enumerate(sizes)]
    made = list(batches(entries))
    assert [entry for batch in made for entry in batch] == entries
    assert all(len(batch) <= 10 for batch in made)
    assert all(sum(entry.size for entry in batch) <= MAX_BYTES for batch in made)
