"""Small parts of the HTTP foundation, without HTTP."""

from typing import Any

import msgspec
import pytest

from app.foundation.auth import requires
from app.foundation.errors import Invalid, PreconditionFailed, PreconditionRequired
from app.foundation.http.body import BadBody, read_json
from app.foundation.http.documentation import example_problem
from app.foundation.http.etag import etag, require_match
from app.foundation.http.idempotency import idempotent
from app.foundation.telemetry.correlation import keep_or_make


class Part(msgspec.Struct):
    number: int


class Body(msgspec.Struct):
    parts: list[Part]


@pytest.mark.parametrize("header", ['"v3"', "*", '"v1", "v3"', ' "v3" '])
def test_a_change_of_the_newest_version_goes_through(header: str) -> None:
    require_match(header, 3)


@pytest.mark.parametrize("header", ['"v2"', "v3", 'W/"v3"', '"v33"'])
def test_a_change_of_another_version_does_not(header: str) -> None:
    with pytest.raises(PreconditionFailed) as refused:
        require_match(header, 3)
    assert refused.value.headers == {"ETag": etag(3)}


@pytest.mark.parametrize("header", [None, ""])
def test_a_change_says_what_it_was_made_on(header: str | None) -> None:
    with pytest.raises(PreconditionRequired):
        require_match(header, 3)


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        (b'{"parts": [{"number": 1}, {"number": "1"}]}', "/parts/1/number"),
        (b'{"parts": 1}', "/parts"),
        (b"{}", ""),
        (b"", ""),
    ],
)
def test_nothing_is_guessed_and_the_place_is_named(text: bytes, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_json(text, Body)
    assert refused.value.pointer == pointer


def test_what_is_not_json_has_no_place() -> None:
    with pytest.raises(BadBody):
        read_json(b"{'parts': []}", Body)


def test_scopes_are_words_that_exist() -> None:
    with pytest.raises(ValueError, match="assets:eat"):
        requires("assets:eat")


def test_an_idempotent_handler_has_a_transaction() -> None:
    async def handler(data: dict[str, Any]) -> None:
        raise NotImplementedError

    with pytest.raises(TypeError, match="has to take tx"):
        idempotent(handler)


@pytest.mark.parametrize("given", ["a", "0f8e-1_2.3:4", "x" * 128])
def test_harmless_correlation_ids_are_kept(given: str) -> None:
    assert keep_or_make(given) == given


@pytest.mark.parametrize("given", [None, "", "a b", "a\n", "x" * 129, 'a"b', "ü"])
def test_others_are_replaced(given: str | None) -> None:
    made = keep_or_make(given)
    assert made.startswith("cor_")
    assert made != keep_or_make(given)


def test_examples_are_problems() -> None:
    assert example_problem("not_found", 404)["type"] == "/errors/not_found"
