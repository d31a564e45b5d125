"""Posters, thumbnails and the storyboard."""

import io
import re

import httpx
import pytest
from PIL import Image

from tests.integration.api.playback.asking import code, mint
from tests.published_media import SECONDS


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
