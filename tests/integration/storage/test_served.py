"""A folder store over HTTP: what is refused, and when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app.foundation.signing import SignatureExpired, SignatureInvalid, UrlSigner
from app.foundation.storage import served
from app.foundation.storage.errors import Incomplete, NotFound, PartTooLarge, WrongSize
from app.foundation.storage.folder import FolderStore
from app.foundation.storage.ranges import RangeNotSatisfiable
from tests.integration.storage.contract import Unread, in_blocks, some_bytes

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = "a/b.bin"
DATA = some_bytes(1000)
SIGNER = UrlSigner({"one": b"1" * 32}, "one")


@pytest.fixture
async def store(tmp_path: Path) -> FolderStore:
    store = FolderStore(tmp_path, SIGNER, "https://spool.example/store/", clock=lambda: NOW)
    await store.put(KEY, DATA, content_type="image/png")
    return store


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


async def answer(store: FolderStore, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await served.open_object(store, KEY, request_headers=request)
    body = b"".join([block async for block in response.body])
    return response.status, dict(response.headers), body


async def test_a_whole_object(store: FolderStore) -> None:
    status, headers, body = await answer(store)
    assert (status, body) == (200, DATA)
    assert headers["content-length"] == "1000"
    assert headers["content-type"] == "image/png"
    assert headers["accept-ranges"] == "bytes"
    assert "content-disposition" not in headers


async def test_a_range(store: FolderStore) -> None:
    status, headers, body = await answer(store, range="bytes=990-2000")
    assert (status, body) == (206, DATA[990:])
    assert headers["content-range"] == "bytes 990-999/1000"
    assert headers["content-length"] == "10"


async def test_a_range_outside(store: FolderStore) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        await answer(store, range="bytes=1000-")
    assert caught.value.size == 1000


async def test_a_range_of_a_version_that_is_gone_is_the_whole(store: FolderStore) -> None:
    _, headers, _ = await answer(store)
    assert (await answer(store, range="bytes=0-1", if_range=headers["etag"]))[0] == 206
    assert (await answer(store, range="bytes=0-1", if_range='"other"'))[0] == 200


async def test_what_the_client_has_is_not_sent(store: FolderStore) -> None:
    _, headers, _ = await answer(store)
    for known in (headers["etag"], f'"x", {headers["etag"]}', f"W/{headers['etag']}", "*"):
        status, _, body = await answer(store, if_none_match=known)
        assert (status, body) == (304, b"")
    assert (await answer(store, if_none_match='"x"'))[0] == 200


async def test_a_filename_of_any_kind_is_one_header(store: FolderStore) -> None:
    url = store.sign_get(KEY, expires=HOUR, filename='x"\r\nSet-Cookie: ü;.png')
    response = await served.open_signed(
        store, SIGNER, key=KEY, token=token_of(url), now=NOW, request_headers={}
    )
    disposition = response.headers["content-disposition"]
    assert disposition == "attachment; filename*=UTF-8''x%22%0D%0ASet-Cookie%3A%20%C3%BC%3B.png"


async def test_a_get_is_no_put_and_the_other_way_round(store: FolderStore) -> None:
    get = token_of(store.sign_get(KEY, expires=HOUR))
    put = token_of(store.sign_put(KEY, expires=HOUR).url)
    with pytest.raises(SignatureInvalid):
        await served.open_signed(store, SIGNER, key=KEY, token=put, now=NOW, request_headers={})
    with pytest.raises(SignatureInvalid):
        await served.receive_object(
            store,
            SIGNER,
            key=KEY,
            token=get,
            body=Unread(),
            content_length=1,
            now=NOW,
        )


async def test_an_expired_url_is_refused_before_the_body_is_read(store: FolderStore) -> None:
    upload_id = await store.create_multipart(KEY)
    request = store.sign_part(KEY, upload_id, 1, expires=HOUR, size=10)
    assert request.expires_at == NOW + HOUR
    with pytest.raises(SignatureExpired):
        await served.receive_part(
            store,
            SIGNER,
            upload_id=upload_id,
            number=1,
            token=token_of(request.url),
            body=Unread(),
            content_length=10,
            now=NOW + HOUR,
        )


async def test_a_part_that_is_too_large_is_refused_before_it_is_read(store: FolderStore) -> None:
    upload_id = await store.create_multipart(KEY)
    request = store.sign_part(KEY, upload_id, 1, expires=HOUR, size=10)
    for number, length, error in ((1, 11, PartTooLarge), (2, 10, SignatureInvalid)):
        with pytest.raises(error):
            await served.receive_part(
                store,
                SIGNER,
                upload_id=upload_id,
                number=number,
                token=token_of(request.url),
                body=Unread(),
                content_length=length,
                now=NOW,
            )


@pytest.mark.parametrize(
    ("announced", "sent", "error"),
    [(1001, 0, WrongSize), (999, 0, WrongSize), (None, 1001, WrongSize), (1000, 999, Incomplete)],
)
async def test_an_object_has_the_size_that_was_signed(
    store: FolderStore, announced: int | None, sent: int, error: type[Exception]
) -> None:
    token = token_of(store.sign_put("new", expires=HOUR, size=1000).url)
    with pytest.raises(error):
        await served.receive_object(
            store,
            SIGNER,
            key="new",
            token=token,
            body=in_blocks(some_bytes(sent)) if sent else Unread(),
            content_length=announced,
            now=NOW,
        )
    with pytest.raises(NotFound):
        await store.head("new")


async def test_an_old_key_verifies_until_it_is_dropped(store: FolderStore) -> None:
    token = token_of(store.sign_get(KEY, expires=HOUR))
    rotated = UrlSigner({"two": b"2" * 32, "one": b"1" * 32}, "two")
    response = await served.open_signed(
        store, rotated, key=KEY, token=token, now=NOW, request_headers={}
    )
    assert response.status == 200
    with pytest.raises(SignatureInvalid):
        await served.open_signed(
            store,
            UrlSigner({"two": b"2" * 32}, "two"),
            key=KEY,
            token=token,
            now=NOW,
            request_headers={},
        )
