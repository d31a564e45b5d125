"""What is left of a name once it is fit to be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.assets.keys import source_key
from app.assets.names import MAX_FILENAME_CHARS, clean_filename, clean_line, clean_text, title_of
from app.foundation.storage.keys import validate_key

anything = st.text(st.characters(codec=None), max_size=400)


@given(anything)
def test_any_name_becomes_one_to_show(name: str) -> None:
    shown = clean_filename(name)
    assert 0 < len(shown) <= MAX_FILENAME_CHARS
    assert "/" not in shown
    assert "\\" not in shown
    assert shown not in {".", ".."}
    shown.encode()
    assert clean_filename(shown) == shown
    assert clean_line(title_of(shown)) != ""


@given(anything)
def test_no_name_reaches_a_key(name: str) -> None:
    assert validate_key(source_key("ast_0", name)).startswith("videos/ast_0.")


@given(anything)
def test_text_has_nothing_that_a_database_refuses(text: str) -> None:
    assert "\0" not in clean_text(text)
    clean_text(text).encode()
    assert "\n" not in clean_line(text)


@pytest.mark.parametrize(
    ("filename", "title"),
    [("night.mov", "night"), (".mov", ".mov"), ("a.b.mp4", "a.b"), ("plain", "plain")],
)
def test_titles_come_from_names(filename: str, title: str) -> None:
    assert title_of(filename) == title
