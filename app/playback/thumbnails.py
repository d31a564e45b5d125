"""Thumbnails cut and scaled by Pillow from images that were published; no video is decoded here."""

import io
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

MAX_WIDTH = 1920
MAX_SOURCE_PIXELS = 64_000_000

# Left, top, right, bottom, in pixels.
Box = tuple[int, int, int, int]


class ImageFormat(StrEnum):
    JPEG = "jpg"
    WEBP = "webp"

    @property
    def content_type(self) -> str:
        return "image/jpeg" if self is ImageFormat.JPEG else "image/webp"

    @property
    def label(self) -> str:
        """For people."""
        return "JPEG" if self is ImageFormat.JPEG else "WebP"


@dataclass(frozen=True, slots=True)
class Cut:
    """What is wanted of an image.

    Args:
        box: Of the source; None for all of it.
        width: Pixels. The height follows; nothing is enlarged.
    """

    format: ImageFormat
    box: Box | None = None
    width: int | None = None


class ImageTooLarge(Exception):
    pass


def cut_image(source: bytes, cut: Cut) -> bytes:
    """Makes a thumbnail. Takes the CPU, so it belongs in a thread.

    What already is as it is wanted stays as it is: compressing it again would only cost quality.

    Raises:
        ImageTooLarge: more pixels than an image of ours has.
        OSError: not an image.
    """
    with Image.open(io.BytesIO(source), formats=("JPEG", "WEBP")) as image:
        if image.width * image.height > MAX_SOURCE_PIXELS:
            raise ImageTooLarge(f"{image.width}x{image.height}")
        whole = cut.box is None and (cut.width is None or cut.width >= image.width)
        if whole and image.format == cut.format.name:
            return source
        if cut.box is None and cut.width is not None:
            # Lets the JPEG decoder scale by a power of two while it decodes.
            image.draft("RGB", (cut.width, cut.width))
        picture = (image.crop(cut.box) if cut.box else image).convert("RGB")
    if cut.width is not None and cut.width < picture.width:
        height = max(1, round(picture.height * cut.width / picture.width))
        picture = picture.resize((cut.width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if cut.format is ImageFormat.JPEG:
        picture.save(out, "JPEG", quality=82, optimize=True, progressive=True)
    else:
        picture.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()
