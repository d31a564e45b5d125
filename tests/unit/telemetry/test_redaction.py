import base64
import json
import secrets
from datetime import timedelta

import pytest

from app.foundation.clock import utc_now
from app.foundation.db.ids import new_id, random_id
from app.foundation.signing import UrlSigner
from app.foundation.telemetry.redaction import REDACTED, redact, redact_members

_MAC = secrets.token_urlsafe(32)
_JWT = ".".join(
    base64.urlsafe_b64encode(part).rstrip(b"=").decode()
    for part in (b'{"alg":"HS256","typ":"at+jwt"}', b'{"sub":"usr_1"}', secrets.token_bytes(32))
)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"sent Authorization: Bearer {_JWT}", _JWT),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        (f"the key spool_{'a' * 40} is unknown", "a" * 30),
        ("postgresql+asyncpg://spool:hunter2hunter2@db/spool", "hunter2hunter2"),
        (f"PUT https://b.s3.amazonaws.com/k?X-Amz-Signature={_MAC}&x=1", _MAC),
        (f"GET /_store/objects/a.mp4?token={_MAC}", _MAC),
        (f"https://d1.cloudfront.net/a.m3u8?Policy={_MAC}&Signature=q&Key-Pair-Id=K1ABC", "K1ABC"),
        (json.dumps({"password": "open sesame", "name": "Ada"}), "open sesame"),
        (repr({"refresh_token": "rt-1234567890"}), "rt-1234567890"),
        (f"token {_JWT} has expired", _JWT),
    ],
)
def test_what_looks_like_a_secret_is_not_told(text: str, secret: str) -> None:
    told = redact(text)
    assert secret not in told
    assert REDACTED in told


def test_a_token_of_a_signed_link_is_not_told_wherever_it_stands() -> None:
    signer = UrlSigner({"k1": secrets.token_bytes(32)}, "k1")
    soon = utc_now() + timedelta(hours=1)
    for token in (
        signer.sign("GET", "objects/a.mp4", expires_at=soon, claims={"s": 5}),
        signer.sign_prefix("renditions/ast_1/a", expires_at=soon),
    ):
        assert token not in redact(f"GET /media/{token}/private/renditions/ast_1/a/b.m4s")


@pytest.mark.parametrize(
    "text",
    [
        f"GET /v1/assets/{new_id('ast')}",
        "spool_stuck_rows is 0",
        "select * from tasks where queue = 'light'",
        f"the correlation id is cor_{random_id()}",
        "renditions/ast_01k2/tsk_01k2.3/tracks/360p.mp4",
        "2026-11-27T07:00:19.123456Z",
        "http://127.0.0.1:8000/docs",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_members_name_tells_that_it_is_a_secret() -> None:
    line = {
        "event": "signed in",
        "password": "x",
        "X-Api-Key": "short",
        "headers": {"authorization": "whatever", "accept": "text/html"},
        "cookies": ["a=1", "b=2"],
        "signing_key_id": "k1",
        "attempt": 3,
        "ok": True,
        "nothing": None,
    }
    told = redact_members(line)
    assert told["password"] == told["headers"]["authorization"] == REDACTED
    assert told["cookies"] == [REDACTED, REDACTED]
    assert (told["event"], told["headers"]["accept"], told["signing_key_id"]) == (
        "signed in",
        "text/html",
        "k1",
    )
    assert (told["attempt"], told["ok"], told["nothing"]) == (3, True, None)
