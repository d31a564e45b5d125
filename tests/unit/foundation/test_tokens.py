"""Access tokens: ours, for this purpose, and in time."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from app.foundation.errors import Unauthenticated
from app.foundation.tokens import AccessTokens

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32


def tokens(
    keys: dict[str, bytes] | None = None, current: str = "new", now: datetime = NOW
) -> AccessTokens:
    return AccessTokens(
        keys or {"old": OLD, "new": NEW},
        current,
        lifetime=timedelta(minutes=15),
        clock=lambda: now,
    )


def issue(issuer: AccessTokens) -> str:
    return issuer.issue(user_id="usr_1", project_id="prj_1", role="editor")


def test_a_token_says_who_where_and_as_what() -> None:
    claims = tokens().verify(issue(tokens()))
    assert (claims.sub, claims.prj, claims.role) == ("usr_1", "prj_1", "editor")


def test_a_key_that_no_longer_signs_still_verifies() -> None:
    assert tokens().verify(issue(tokens(current="old"))).sub == "usr_1"


def test_a_key_that_is_gone_verifies_nothing() -> None:
    with pytest.raises(Unauthenticated) as refused:
        tokens({"new": NEW}).verify(issue(tokens(current="old")))
    assert refused.value.code == "credentials_invalid"


@pytest.mark.parametrize(("later", "code"), [(15 * 60 - 1, None), (15 * 60, "token_expired")])
def test_a_token_ends_to_the_second(later: int, code: str | None) -> None:
    token = issue(tokens())
    verifier = tokens(now=NOW + timedelta(seconds=later))
    if code is None:
        assert verifier.verify(token).sub == "usr_1"
    else:
        with pytest.raises(Unauthenticated) as refused:
            verifier.verify(token)
        assert refused.value.code == code


_CLAIMS = {
    "iss": "spool",
    "aud": "spool:api",
    "sub": "usr_1",
    "prj": "prj_1",
    "role": "owner",
    "exp": NOW + timedelta(hours=1),
}


@pytest.mark.parametrize(
    ("key", "algorithm", "header"),
    [
        (NEW, "HS256", {"kid": "new", "typ": "at+jwt"}),
        ("", "none", {"kid": "new", "typ": "at+jwt"}),
    ],
    ids=["signed with the secret itself", "not signed"],
)
def test_what_was_made_otherwise_is_refused(
    key: bytes | str, algorithm: str, header: dict[str, str]
) -> None:
    forged = jwt.encode(_CLAIMS, key, algorithm=algorithm, headers=header)
    with pytest.raises(Unauthenticated):
        tokens().verify(forged)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.", "🎬.🎬.🎬"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().verify(text)
