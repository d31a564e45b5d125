"""How a file is cut into parts, and whether the parts that arrived are those."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.foundation.errors import Invalid
from app.foundation.storage.protocols import MAX_PARTS, Part

_MIB = 1024 * 1024
# More numbers than this say nothing more to a client.
_NAMED = 100


@dataclass(frozen=True, slots=True)
class Cut:
    """A file of `size` bytes in parts of `part_size`; the last one has what remains."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """Bytes of part `number`, from 1 to `count`."""
        if number < self.count:
            return self.part_size
        return self.size - self.part_size * (self.count - 1)


def plan_cut(size: int, part_size: int) -> Cut:
    """Parts of `part_size` bytes, or of as many MiB as it takes to need no more than 10 000."""
    least = -(-size // MAX_PARTS)
    return Cut(size, max(part_size, -(-least // _MIB) * _MIB))


def check_parts(cut: Cut, stored: Sequence[Part], claimed: Mapping[int, str] | None) -> list[Part]:
    """The parts to make the object of.

    Args:
        stored: What the store has.
        claimed: ETags by number as the client got them, to be compared; None takes the store's.

    Raises:
        Invalid: upload_parts_missing, upload_part_invalid or upload_size_mismatch, with numbers.
    """
    have = {part.number: part for part in stored}
    missing = [number for number in range(1, cut.count + 1) if number not in have]
    if missing:
        raise Invalid(
            "upload_parts_missing",
            f"{len(missing)} of {cut.count} parts have not arrived. Send them, then complete.",
            extra={"missing": missing[:_NAMED], "missing_count": len(missing)},
        )
    if extra := [number for number in have if number > cut.count]:
        raise Invalid(
            "upload_size_mismatch",
            f"Part {extra[0]} arrived, but {cut.size} bytes have only {cut.count} parts.",
        )
    for part in have.values():
        if part.size != cut.size_of(part.number):
            raise Invalid(
                "upload_part_invalid",
                f"Part {part.number} has {part.size} bytes and should have "
                f"{cut.size_of(part.number)}. Send it again.",
                extra={"part": part.number},
            )
    _check_claimed(cut, have, claimed)
    return [have[number] for number in sorted(have)]


def _check_claimed(cut: Cut, have: Mapping[int, Part], claimed: Mapping[int, str] | None) -> None:
    if claimed is None:
        return
    if set(claimed) != set(have):
        raise Invalid(
            "upload_part_invalid",
            f"The list must name each of the parts 1 to {cut.count} once.",
            pointer="/parts",
        )
    for number, etag in claimed.items():
        if etag.strip('"') != have[number].etag:
            raise Invalid(
                "upload_part_invalid",
                f"Part {number} has another ETag than the one you got for it. Send it again.",
                pointer="/parts",
                extra={"part": number},
            )
