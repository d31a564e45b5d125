"""What can be said of a part before its bytes are read."""

from app.foundation.storage.errors import PartInvalid, PartMismatch, PartTooLarge
from app.foundation.storage.protocols import MAX_PART_BYTES, MAX_PARTS


def check_announced(number: int, content_length: int | None, size: int | None) -> None:
    """Refuses a part that cannot be right, whatever its bytes are.

    Args:
        content_length: The bytes that the sender announces.
        size: The bytes that the part must have.

    Raises:
        PartInvalid: and PartTooLarge, PartMismatch, as in `MultipartStore.put_part`.
    """
    if not 1 <= number <= MAX_PARTS:
        raise PartInvalid(number, f"parts have numbers from 1 to {MAX_PARTS}")
    limit = MAX_PART_BYTES if size is None else size
    if content_length is not None and content_length > limit:
        raise PartTooLarge(number, f"it may have {limit} bytes, and {content_length} are announced")
    if content_length is not None and size is not None and content_length < size:
        raise PartMismatch(number, f"it has {size} bytes, and {content_length} are announced")
