from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.foundation.signing import SignatureExpired, SignatureInvalid, UrlSigner

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
OLD, NEW = b"o" * 32, b"n" * 32

segments = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
paths = st.lists(segments.filter(lambda segment: segment != ".."), min_size=1).map("/".join)
claims = st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text()), max_size=4)


@pytest.fixture(scope="module")
def signer() -> UrlSigner:
    return UrlSigner({"new": NEW, "old": OLD}, "new")


@given(method=st.sampled_from(["GET", "PUT"]), path=paths, claims=claims)
def test_claims_come_back(
    signer: UrlSigner, method: str, path: str, claims: dict[str, str | int]
) -> None:
    token = signer.sign(method, path, expires_at=LATER, claims=claims)
    assert signer.verify(token, method, path, now=NOW) == claims


def test_a_token_needs_no_quoting(signer: UrlSigner) -> None:
    token = signer.sign("GET", "a/b", expires_at=LATER, claims={"f": "ümläut ? & #.bin"})
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_another_method_or_path_is_refused(signer: UrlSigner) -> None:
    token = signer.sign("GET", "a/b", expires_at=LATER)
    for method, path in (("PUT", "a/b"), ("GET", "a/c"), ("GET\na", "b"), ("GET", "a/b/")):
        with pytest.raises(SignatureInvalid):
            signer.verify(token, method, path, now=NOW)


def test_it_ends_at_its_expiry(signer: UrlSigner) -> None:
    token = signer.sign("GET", "a", expires_at=LATER)
    assert signer.verify(token, "GET", "a", now=LATER - timedelta(seconds=1)) == {}
    with pytest.raises(SignatureExpired):
        signer.verify(token, "GET", "a", now=LATER)


@given(data=st.data())
def test_no_character_can_be_changed(signer: UrlSigner, data: st.DataObject) -> None:
    token = signer.sign("PUT", "a", expires_at=LATER, claims={"s": 5})
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AZaz09-_.=").filter(lambda char: char != token[at]))
    with pytest.raises(SignatureInvalid):
        signer.verify(f"{token[:at]}{other}{token[at + 1 :]}", "PUT", "a", now=NOW)


@given(text=st.text())
def test_rubbish_is_refused(signer: UrlSigner, text: str) -> None:
    with pytest.raises(SignatureInvalid):
        signer.verify(text, "GET", "a", now=NOW)
    with pytest.raises(SignatureInvalid):
        signer.verify_prefix(text, "a/b", now=NOW)


def test_keys_rotate(signer: UrlSigner) -> None:
    before = UrlSigner({"old": OLD}, "old").sign("GET", "a", expires_at=LATER)
    assert signer.verify(before, "GET", "a", now=NOW) == {}
    with pytest.raises(SignatureInvalid):
        UrlSigner({"new": NEW}, "new").verify(before, "GET", "a", now=NOW)


def test_a_key_under_another_id_is_another_key() -> None:
    token = UrlSigner({"a": OLD}, "a").sign("GET", "a", expires_at=LATER)
    with pytest.raises(SignatureInvalid):
        UrlSigner({"b": OLD}, "b").verify(f"b{token[1:]}", "GET", "a", now=NOW)


@given(prefix=paths, rest=paths)
def test_a_prefix_covers_what_is_below_it(signer: UrlSigner, prefix: str, rest: str) -> None:
    token = signer.sign_prefix(prefix, expires_at=LATER)
    signer.verify_prefix(token, f"{prefix}/{rest}", now=NOW)


@pytest.mark.parametrize(
    "path",
    ["one/two", "one/two/", "one/twofold/x", "one", "two/one/x", "one/two/../three/x", "x/one/two"],
)
def test_a_prefix_covers_nothing_else(signer: UrlSigner, path: str) -> None:
    token = signer.sign_prefix("one/two/", expires_at=LATER)
    with pytest.raises(SignatureInvalid):
        signer.verify_prefix(token, path, now=NOW)


def test_a_prefix_expires_and_is_short(signer: UrlSigner) -> None:
    token = signer.sign_prefix("one/two/three", expires_at=LATER)
    assert len(token) <= 40
    with pytest.raises(SignatureExpired):
        signer.verify_prefix(token, "one/two/three/four", now=LATER)


def test_one_kind_of_token_is_not_the_other(signer: UrlSigner) -> None:
    with pytest.raises(SignatureInvalid):
        signer.verify(signer.sign_prefix("a", expires_at=LATER), "GET", "a", now=NOW)
    with pytest.raises(SignatureInvalid):
        signer.verify_prefix(signer.sign("GET", "a", expires_at=LATER), "a/b", now=NOW)


@pytest.mark.parametrize(
    ("keys", "current"),
    [({"a": b"short"}, "a"), ({"a.b": OLD}, "a.b"), ({"a": OLD}, "b"), ({}, "a")],
)
def test_what_cannot_be_keys(keys: dict[str, bytes], current: str) -> None:
    with pytest.raises(ValueError, match="key"):
        UrlSigner(keys, current)
