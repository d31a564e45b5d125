"""What tus 1.0.0 asks of a server, rule by rule (https://tus.io/protocols/resumable-upload)."""

import os
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import httpx
import pytest

from app.foundation.clock import utc_now
from app.foundation.db.ids import new_id
from app.settings import GIB
from tests.conftest import add_project
from tests.integration.api.live import PART, Live
from tests.integration.api.tus.speaking import (
    CHUNK,
    PATH,
    VERSION,
    Tus,
    checksum,
    id_of,
    left_in_store,
    metadata,
    rows_of,
    source_of,
)

# Core protocol.


async def test_a_head_tells_offset_and_length_and_is_not_cached(tus: Tus) -> None:
    place = await tus.begin(10)
    await tus.append(place, 0, b"1234")
    answer = await tus.look(place)
    assert answer.status_code == 200
    assert answer.headers["upload-offset"] == "4"
    assert answer.headers["upload-length"] == "10"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.content == b""


async def test_an_upload_that_never_was_is_404_without_an_offset(tus: Tus) -> None:
    place = f"{PATH}/{new_id('upl')}"
    answer = await tus.look(place)
    assert answer.status_code == 404
    assert "upload-offset" not in answer.headers
    assert (await tus.append(place, 0, b"x")).status_code == 404
    assert (await tus.terminate(place)).status_code == 404


async def test_a_patch_answers_204_with_the_new_offset(tus: Tus) -> None:
    place = await tus.begin(10)
    answer = await tus.append(place, 0, b"1234")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "4")
    answer = await tus.append(place, 4, b"567890")
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "10")


async def test_a_patch_at_another_offset_is_409_and_changes_nothing(tus: Tus) -> None:
    place = await tus.begin(10)
    await tus.append(place, 0, b"1234")
    for offset in (0, 3, 5, 10):
        answer = await tus.append(place, offset, b"5")
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_offset_mismatch")
    assert await tus.offset(place) == 4


async def test_a_patch_of_another_type_is_415(tus: Tus) -> None:
    place = await tus.begin(10)
    answer = await tus.append(place, 0, b"1234", Content_Type="application/octet-stream")
    assert answer.status_code == 415
    assert await tus.offset(place) == 0


async def test_a_patch_without_offset_is_400(tus: Tus) -> None:
    place = await tus.begin(10)
    answer = await tus.client.patch(place, headers=VERSION | {"Content-Type": CHUNK}, content=b"1")
    assert answer.status_code == 400


async def test_options_tells_what_is_spoken_whatever_version_is_sent(live: Live) -> None:
    async with httpx.AsyncClient(base_url=live.settings.public_url) as nobody:
        for path in (PATH, f"{PATH}/upl_1"):
            for sent in ({}, {"Tus-Resumable": "0.0.1"}):
                answer = await nobody.options(path, headers=sent)
                assert answer.status_code == 204
                assert answer.headers["tus-version"] == "1.0.0"
                assert answer.headers["tus-max-size"] == str(5 * GIB)
                assert set(answer.headers["tus-extension"].split(",")) == {
                    "creation",
                    "creation-with-upload",
                    "creation-defer-length",
                    "checksum",
                    "expiration",
                    "termination",
                    "concatenation",
                }
                assert "sha1" in answer.headers["tus-checksum-algorithm"].split(",")


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0", "2.0.0"])
async def test_another_version_is_412_and_nothing_is_done(tus: Tus, version: str | None) -> None:
    place = await tus.begin(4)
    sent = {} if version is None else {"Tus-Resumable": version}
    for answer in (
        await tus.client.post(PATH, headers=sent | {"Upload-Length": "1"}),
        await tus.client.head(place, headers=sent),
        await tus.client.patch(
            place, headers=sent | {"Content-Type": CHUNK, "Upload-Offset": "0"}, content=b"1234"
        ),
        await tus.client.delete(place, headers=sent),
    ):
        assert answer.status_code == 412
        assert answer.headers["tus-version"] == "1.0.0"
    assert await tus.offset(place) == 0


async def test_errors_carry_the_version_too(tus: Tus) -> None:
    answer = await tus.look(f"{PATH}/upl_1")
    assert (answer.status_code, answer.headers["tus-resumable"]) == (404, "1.0.0")


async def test_another_method_can_be_named_in_a_header(tus: Tus) -> None:
    place = await tus.begin(4)
    sent = VERSION | {"Content-Type": CHUNK, "Upload-Offset": "0"}
    answer = await tus.client.post(
        place, headers=sent | {"X-HTTP-Method-Override": "PATCH"}, content=b"12"
    )
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "2")
    answer = await tus.client.post(place, headers=VERSION | {"X-HTTP-Method-Override": "HEAD"})
    assert (answer.status_code, answer.headers["upload-offset"]) == (200, "2")
    answer = await tus.client.post(place, headers=VERSION | {"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 204
    assert (await tus.look(place)).status_code == 410
    assert (await tus.client.post(place, headers=VERSION)).status_code == 405


# Creation.


async def test_a_creation_answers_201_and_an_absolute_place(tus: Tus, live: Live) -> None:
    answer = await tus.create(10)
    assert answer.status_code == 201
    assert answer.headers["location"].startswith(f"{live.settings.public_url}{PATH}/upl_")
    assert answer.headers["spool-asset-id"].startswith("ast_")


async def test_metadata_come_back_as_they_were_sent(tus: Tus, live: Live) -> None:
    sent = metadata(filename="Été.mov", filetype="video/quicktime", title="Night", own="thing")
    place = await tus.begin(10, Upload_Metadata=sent)
    assert (await tus.look(place)).headers["upload-metadata"] == sent
    upload, _, asset = await rows_of(live, place)
    assert asset is not None
    assert (upload.filename, upload.content_type) == ("Été.mov", "video/quicktime")
    assert asset.title == "Night"


@pytest.mark.parametrize(
    "sent", ["filename !", "a YQ==,a YQ==", metadata(policy="secret"), metadata(sha256="x")]
)
async def test_metadata_that_cannot_be_are_422(tus: Tus, sent: str) -> None:
    answer = await tus.create(10, Upload_Metadata=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_more_than_may_be_is_413(tus: Tus) -> None:
    answer = await tus.create(5 * GIB + 1)
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 5 * GIB)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload_Length": "-1"},
        {"Upload_Length": "1", "Upload_Defer_Length": "1"},
        {"Upload_Defer_Length": "0"},
        {"Upload_Length": "1", "Upload_Concat": "some"},
    ],
)
async def test_a_creation_says_one_length(tus: Tus, headers: dict[str, str]) -> None:
    assert (await tus.create(**headers)).status_code == 400


async def test_more_bytes_than_the_length_are_413(tus: Tus) -> None:
    place = await tus.begin(4)
    assert (await tus.append(place, 0, b"12345")).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"1"

    assert (await tus.append(place, 0, endless())).status_code == 413
    assert await tus.offset(place) == 0


# Creation with upload.


async def test_a_creation_may_have_the_first_bytes(tus: Tus, live: Live) -> None:
    answer = await tus.create(10, b"1234")
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "4")
    place = answer.headers["location"]
    assert await tus.offset(place) == 4
    assert (await tus.append(place, 4, b"567890")).status_code == 204
    assert await source_of(live, place) == b"1234567890"


async def test_a_creation_may_have_all_bytes(tus: Tus, live: Live) -> None:
    answer = await tus.create(4, b"1234")
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "4")
    assert await source_of(live, answer.headers["location"]) == b"1234"


async def test_a_body_of_another_type_begins_nothing(tus: Tus) -> None:
    sent = VERSION | {"Upload-Length": "4", "Content-Type": "video/mp4"}
    assert (await tus.client.post(PATH, headers=sent, content=b"1234")).status_code == 415


async def test_a_creation_with_a_key_is_done_once(tus: Tus) -> None:
    key = {"Idempotency_Key": "once"}
    first, again = await tus.create(10, **key), await tus.create(10, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.headers["location"] == again.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert (await tus.create(11, **key)).status_code == 422


# Creation with a length that is said later.


async def test_the_length_may_come_later(tus: Tus, live: Live) -> None:
    data = os.urandom(PART + 1000)
    place = await tus.begin(Upload_Defer_Length="1")
    answer = await tus.look(place)
    assert answer.headers["upload-defer-length"] == "1"
    assert "upload-length" not in answer.headers
    assert (await tus.append(place, 0, data[:-10])).status_code == 204
    answer = await tus.append(place, len(data) - 10, data[-10:], Upload_Length=str(len(data)))
    assert answer.status_code == 204
    assert (await tus.look(place)).headers["upload-length"] == str(len(data))
    assert await source_of(live, place) == data


async def test_the_length_may_come_after_the_last_byte(tus: Tus, live: Live) -> None:
    place = await tus.begin(Upload_Defer_Length="1")
    await tus.append(place, 0, b"1234")
    assert (await tus.append(place, 4, b"", Upload_Length="4")).status_code == 204
    assert await source_of(live, place) == b"1234"


async def test_a_length_that_was_said_stays(tus: Tus) -> None:
    place = await tus.begin(Upload_Defer_Length="1")
    await tus.append(place, 0, b"1234", Upload_Length="10")
    assert (await tus.append(place, 4, b"5", Upload_Length="11")).status_code == 409
    assert (await tus.append(place, 4, b"5", Upload_Length="10")).status_code == 204


# Checksum.


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_bytes_with_their_checksum_are_taken(tus: Tus, live: Live, algorithm: str) -> None:
    place = await tus.begin(10)
    first = await tus.append(place, 0, b"12345", Upload_Checksum=checksum(b"12345", algorithm))
    last = await tus.append(place, 5, b"67890", Upload_Checksum=checksum(b"67890", algorithm))
    assert (first.status_code, last.status_code) == (204, 204)
    assert await source_of(live, place) == b"1234567890"


@pytest.mark.parametrize("before", [0, 7])
async def test_a_mismatch_is_460_and_the_whole_chunk_is_dropped(
    tus: Tus, live: Live, before: int
) -> None:
    """The chunk has whole parts and a rest; all of it has to come again."""
    data = os.urandom(2 * PART + 1000 + before)
    place = await tus.begin(len(data))
    await tus.append(place, 0, data[:before])
    answer = await tus.append(
        place, before, b"x" + data[before + 1 :], Upload_Checksum=checksum(data[before:])
    )
    assert (answer.status_code, answer.json()["code"]) == (460, "upload_checksum_mismatch")
    assert await tus.offset(place) == before
    answer = await tus.append(place, before, data[before:], Upload_Checksum=checksum(data[before:]))
    assert answer.status_code == 204
    assert await source_of(live, place) == data


async def test_an_unknown_algorithm_is_400(tus: Tus) -> None:
    place = await tus.begin(4)
    answer = await tus.append(place, 0, b"1234", Upload_Checksum="crc64 YQ==")
    assert answer.status_code == 400
    assert await tus.offset(place) == 0


# Expiration.


async def test_answers_tell_when_the_upload_expires(tus: Tus, live: Live) -> None:
    created = await tus.create(10)
    place = created.headers["location"]
    appended = await tus.append(place, 0, b"1234")
    looked = await tus.look(place)
    told = {answer.headers["upload-expires"] for answer in (created, appended, looked)}
    assert len(told) == 1
    expires = parsedate_to_datetime(told.pop())
    left = (expires - utc_now()).total_seconds()
    assert abs(left - live.settings.upload_expires_seconds) < 60


# Termination.


async def test_termination_frees_everything_and_the_upload_is_gone(tus: Tus, live: Live) -> None:
    place = await tus.begin(2 * PART)
    await tus.append(place, 0, os.urandom(PART + 1000))
    assert await left_in_store(live) != []
    answer = await tus.terminate(place)
    assert answer.status_code == 204
    assert await left_in_store(live) == []
    assert [each async for each in live.store.list_multiparts("")] == []
    for answer in (await tus.look(place), await tus.append(place, PART + 1000, b"1")):
        assert answer.status_code == 410
    assert (await tus.terminate(place)).status_code == 410


# Concatenation.


async def test_partial_uploads_become_a_final_one(tus: Tus, live: Live) -> None:
    places = [await tus.partial(data) for data in (b"12", b"345", b"6")]
    assert (await tus.look(places[0])).headers["upload-concat"] == "partial"
    concat = f"final;{places[0]} {PATH}/{id_of(places[1])} {places[2]}"
    answer = await tus.create(Upload_Concat=concat, Upload_Metadata=metadata(filename="a.mp4"))
    assert answer.status_code == 201
    final = answer.headers["location"]
    looked = await tus.look(final)
    assert looked.headers["upload-concat"] == concat
    assert looked.headers["upload-length"] == "6"
    # Not before a worker has joined them.
    assert "upload-offset" not in looked.headers
    assert answer.headers["spool-asset-id"].startswith("ast_")


async def test_a_final_upload_takes_no_bytes(tus: Tus) -> None:
    place = await tus.partial(b"12")
    final = await tus.begin(Upload_Concat=f"final;{place}")
    answer = await tus.append(final, 0, b"1")
    assert answer.status_code == 403
    answer = await tus.append(final, 2, b"")
    assert answer.status_code == 403


async def test_a_final_upload_announces_no_length(tus: Tus) -> None:
    place = await tus.partial(b"12")
    assert (await tus.create(2, Upload_Concat=f"final;{place}")).status_code == 400


async def test_a_final_upload_is_made_of_whole_partial_ones(tus: Tus) -> None:
    whole = await tus.partial(b"12")
    open_one = await tus.begin(4, Upload_Concat="partial")
    other = await tus.begin(4)
    for place, status in ((open_one, 409), (other, 409), (f"{PATH}/{new_id('upl')}", 404)):
        answer = await tus.create(Upload_Concat=f"final;{whole} {place}")
        assert answer.status_code == status, place


async def test_a_final_upload_asked_for_again_is_the_same(tus: Tus) -> None:
    places = [await tus.partial(b"12"), await tus.partial(b"34")]
    concat = f"final;{places[0]} {places[1]}"
    assert await tus.begin(Upload_Concat=concat) == await tus.begin(Upload_Concat=concat)
    for other in (f"final;{places[1]} {places[0]}", f"final;{places[0]}"):
        assert (await tus.create(Upload_Concat=other)).status_code == 409


# Who may, and from where.


async def test_pages_of_any_origin_may_ask(tus: Tus, live: Live) -> None:
    page = {"Origin": "https://elsewhere.test"}
    async with httpx.AsyncClient(base_url=live.settings.public_url) as nobody:
        asked = await nobody.options(PATH, headers=page | {"Access-Control-Request-Method": "POST"})
        refused = await nobody.post(PATH, headers=page | VERSION | {"Upload-Length": "1"})
    allowed = asked.headers["access-control-allow-headers"].lower()
    for header in ("authorization", "tus-resumable", "upload-length", "upload-checksum"):
        assert header in allowed
    assert {"PATCH", "HEAD", "DELETE"} <= set(
        asked.headers["access-control-allow-methods"].split(", ")
    )
    created = await tus.create(10, Origin="https://elsewhere.test")
    for answer in (asked, refused, created):
        assert answer.headers["access-control-allow-origin"] == "*"
    exposed = created.headers["access-control-expose-headers"].lower()
    assert all(name in exposed for name in ("location", "upload-offset", "upload-expires"))
    assert refused.status_code == 401


async def test_uploads_are_of_their_project_and_need_the_scope(tus: Tus, live: Live) -> None:
    place = await tus.begin(4)
    other = live.headers(await add_project(live.database, "Other")) | VERSION
    reader = live.headers(role="viewer") | VERSION
    async with httpx.AsyncClient() as client:
        assert (await client.head(place, headers=other)).status_code == 404
        assert (await client.delete(place, headers=other)).status_code == 404
        assert (await client.head(place, headers=reader)).status_code == 403
