"""Posters, thumbnails and the storyboard."""

import io
import re
from dataclasses import replace

import httpx
import pytest
from PIL import Image, ImageStat

from app.foundation.db.database import Database
from app.foundation.storage.folder import FolderStore
from tests.integration.api.playback.asking import NewId, code, mint
from tests.published_media import SECONDS, MadeMedia, make_media, publish

# Red grows with time, blue fades, 25 a second.
_FADING = (
    "color=black:s=16x9:r=25,format=rgb24,geq=r='25*T':g=0:b='250-25*T',"
    "scale=640:360:flags=neighbor"
)


@pytest.fixture(scope="session")
def fading(tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    return make_media(tmp_path_factory.mktemp("fading"), _FADING)


@pytest.fixture
async def fading_id(
    database: Database, store: FolderStore, fading: MadeMedia, project_id: str, asset_id: str
) -> str:
    await publish(database, store, fading, project_id, asset_id)
    return asset_id


@pytest.mark.parametrize(("kind", "format_"), [("jpg", "JPEG"), ("webp", "WEBP")])
async def test_thumbnails(
    client: httpx.AsyncClient, public_id: str, kind: str, format_: str
) -> None:
    poster = await client.get(f"/{public_id}/poster.{kind}")
    assert Image.open(io.BytesIO(poster.content)).format == format_
    small = await client.get(f"/{public_id}/thumbnail.{kind}", params={"width": 64})
    picture = Image.open(io.BytesIO(small.content))
    assert (picture.format, picture.size) == (format_, (64, 36))
    early = await client.get(f"/{public_id}/thumbnail.{kind}", params={"time": 0})
    late = await client.get(f"/{public_id}/thumbnail.{kind}", params={"time": SECONDS - 0.5})
    assert early.content != late.content
    assert Image.open(io.BytesIO(late.content)).size == Image.open(io.BytesIO(early.content)).size
    again = await client.get(
        f"/{public_id}/thumbnail.{kind}",
        params={"time": 0},
        headers={"If-None-Match": early.headers["etag"]},
    )
    assert again.status_code == 304


async def test_a_thumbnail_shows_its_time(
    client: httpx.AsyncClient, fading_id: str, new_playback_id: NewId
) -> None:
    playback_id = await new_playback_id(fading_id)
    # The second is shown by the nearest picture, and by the one before when two are as near.
    shown = {0: 0, 3: 3, 7.4: 7, 7.6: 8, 5.5: 5, 9.99: 9}
    for kind in ("jpg", "webp"):
        tags = set()
        for seconds, second in shown.items():
            answer = await client.get(
                f"/{playback_id}/thumbnail.{kind}", params={"time": seconds, "width": 640}
            )
            picture = Image.open(io.BytesIO(answer.content))
            assert picture.size == (640, 360)
            red, _, blue = ImageStat.Stat(picture.convert("RGB")).mean
            assert (red, blue) == pytest.approx((25 * second, 250 - 25 * second), abs=8), seconds
            tags.add(answer.headers["etag"])
        assert len(tags) == len(shown)


@pytest.mark.parametrize(
    ("width", "size"), [(None, (640, 360)), (1920, (640, 360)), (320, (320, 180)), (50, (50, 28))]
)
async def test_a_thumbnail_is_made_smaller_and_never_larger(
    client: httpx.AsyncClient, public_id: str, width: int | None, size: tuple[int, int]
) -> None:
    asked = {"time": 4} if width is None else {"time": 4, "width": width}
    for kind in ("jpg", "webp"):
        answer = await client.get(f"/{public_id}/thumbnail.{kind}", params=asked)
        assert Image.open(io.BytesIO(answer.content)).size == size


async def test_an_asset_without_thumbnails_shows_its_storyboard(
    client: httpx.AsyncClient,
    database: Database,
    store: FolderStore,
    fading: MadeMedia,
    project_id: str,
    asset_id: str,
    new_playback_id: NewId,
) -> None:
    images = tuple(image for image in fading.images if image.kind != "thumbnail")
    await publish(database, store, replace(fading, images=images), project_id, asset_id)
    playback_id = await new_playback_id(asset_id)
    answer = await client.get(f"/{playback_id}/thumbnail.jpg", params={"time": 8.7})
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (160, 90)
    assert ImageStat.Stat(picture).mean[0] == pytest.approx(200, abs=10)


async def test_thumbnails_are_listed_apart(
    client: httpx.AsyncClient, owner: dict[str, str], ready_id: str
) -> None:
    async def times(query: str) -> list[tuple[str, int | None]]:
        answer = await client.get(f"/v1/assets/{ready_id}/images{query}", headers=owner)
        return [(image["kind"], image["time_ms"]) for image in answer.json()["items"]]

    thumbnails = [("thumbnail", second * 1000) for second in range(SECONDS)]
    assert await times("?kind=thumbnail") == thumbnails
    assert [image for image in await times("") if image[0] == "thumbnail"] == thumbnails
    assert {kind for kind, _ in await times("?kind=poster")} == {"poster"}
    asset = (await client.get(f"/v1/assets/{ready_id}", headers=owner)).json()
    assert {image["kind"] for image in asset["images"]} == {
        *("poster", "storyboard", "storyboard_index")
    }
    unknown = await client.get(f"/v1/assets/{ready_id}/images?kind=film", headers=owner)
    assert code(unknown) == (422, "validation_failed")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("time=10000", "time_out_of_range"),
        ("time=inf", "time_out_of_range"),
        ("time=-1", "validation_failed"),
        ("time=nan", "validation_failed"),
        ("time=soon", "validation_failed"),
        ("width=0", "validation_failed"),
        ("width=99999", "validation_failed"),
    ],
)
async def test_thumbnails_of_nothing(
    client: httpx.AsyncClient, public_id: str, query: str, expected: str
) -> None:
    assert code(await client.get(f"/{public_id}/thumbnail.jpg?{query}")) == (422, expected)


async def test_the_storyboard_leads_to_its_sheets(
    client: httpx.AsyncClient, owner: dict[str, str], signed_id: str
) -> None:
    token = await mint(client, owner, signed_id)
    index = await client.get(f"/{signed_id}/storyboard.vtt", params={"token": token})
    assert index.headers["content-type"].startswith("text/vtt")
    sheet, box = re.findall(r"^(/media/\S+)#xywh=(\S+)$", index.text, re.MULTILINE)[-1]
    picture = Image.open(io.BytesIO((await client.get(sheet)).content))
    left, top, width, height = (int(number) for number in box.split(","))
    assert left + width <= picture.width
    assert top + height <= picture.height
