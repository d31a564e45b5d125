"""Cursors come back as they went out, or not at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.errors import Invalid
from app.foundation.paging import Value, decode_cursor, encode_cursor

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_VALUES = st.one_of(
    _TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.datetimes(timezones=st.just(UTC)),
)


@given(st.lists(_VALUES, min_size=1, max_size=4), st.text())
def test_what_goes_in_comes_out(values: list[Value], order: str) -> None:
    types = [type(value) for value in values]
    assert list(decode_cursor(encode_cursor(order, values), order, types)) == values


@given(st.text(max_size=80))
def test_what_somebody_made_up_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        decode_cursor(cursor, "title", [str, str])


@pytest.mark.parametrize("at", range(0, 28, 3))
def test_a_changed_cursor_does_not_decode_to_other_types(at: int) -> None:
    cursor = encode_cursor("created", [datetime(2026, 1, 1, tzinfo=UTC), "ast_1"])
    changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
    try:
        when, tail = decode_cursor(changed, "created", [datetime, str])
    except Invalid:
        return
    assert isinstance(when, datetime)
    assert isinstance(tail, str)


def test_a_cursor_belongs_to_its_sort_and_filters() -> None:
    cursor = encode_cursor("title state=ready", ["a", "ast_1"])
    with pytest.raises(Invalid) as refused:
        decode_cursor(cursor, "title", [str, str])
    assert refused.value.code == "cursor_invalid"


def test_a_nul_never_reaches_the_database() -> None:
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor("o", ["a\0"]), "o", [str])
