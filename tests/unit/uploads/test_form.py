"""Forms as they arrive, in pieces of any size."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.foundation.errors import BadRequest, Invalid
from app.uploads.form import FileForm

TYPE = "multipart/form-data; boundary=edge"


def field(name: str, value: str) -> bytes:
    head = f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + value.encode() + b"\r\n"


def file(data: bytes, name: str = "a.mp4") -> bytes:
    head = f'--edge\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


END = b"--edge--\r\n"


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for begin in range(0, len(body), size):
        yield body[begin : begin + size]


async def read(body: bytes, size: int = 7) -> tuple[bytes, FileForm]:
    form = await FileForm.open(pieces(body, size), TYPE)
    return b"".join([chunk async for chunk in form.chunks()]), form


@given(st.binary(max_size=300), st.integers(1, 400))
async def test_the_file_comes_out_as_it_went_in(data: bytes, size: int) -> None:
    data = b"\r\n--edg" + data + b"\r\n--edgy\r\n"
    assume(b"\r\n--edge" not in data)
    body = field("title", "Nacht") + file(data) + field("more", "später") + END
    found, form = await read(body, size)
    assert found == data
    assert form.filename == "a.mp4"
    assert form.fields == {"title": "Nacht", "more": "später"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (field("title", "x") + END, Invalid),
        (file(b"x") + file(b"y") + END, Invalid),
        (file(b"x"), BadRequest),
        (file(b"x")[:-10], BadRequest),
        (b"no form at all", BadRequest),
        (field("title", "x" * 20_000) + file(b"x") + END, BadRequest),
        (field("a", "x") * 40 + file(b"x") + END, BadRequest),
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read(body)
