"""One stream's records put in order: what is new, what came twice, what is missing.

Pure: no clock of its own, no database. The place of a record in its shard is its Kinesis sequence
number, which only ever grows within a shard; a stream's own numbers are 0, 1, 2 …
"""

from dataclasses import dataclass, field

from app.intake.records import Data, Record

# A producer that sends again what failed in a batch of 500 delays a record by so many.
MAX_HELD = 512
MAX_HELD_BYTES = 16 * 1024 * 1024


class Gap(Exception):
    """A record is missing, and is not coming any more."""

    def __init__(self, missing: int, held: int) -> None:
        super().__init__(
            f"Record {missing} of the stream is missing, and {held} behind it have arrived."
        )
        self.missing = missing


@dataclass(frozen=True, slots=True)
class _Held:
    record: Record
    before: str | None


@dataclass(slots=True)
class Assembly:
    """Which record comes next, and those behind it that came too early.

    Args:
        next_seq: Number of the record that is taken next.
    """

    next_seq: int = 0
    duplicates: int = 0
    held_since: float | None = None
    _held: dict[int, _Held] = field(default_factory=dict)
    _held_bytes: int = 0

    def take(self, record: Record, *, before: str | None, now: float) -> list[Record]:
        """Takes a record; gives those that are next in order, which may be none.

        Args:
            before: Sequence number of the record before this one in the shard, None at its
                beginning: reading on behind it reads this one again.
            now: Seconds by any clock that does not go back.

        Raises:
            Gap: more records wait for a missing one than a producer could have overtaken.
        """
        if record.seq < self.next_seq or record.seq in self._held:
            self.duplicates += 1
            return []
        if record.seq > self.next_seq:
            self._hold(record, before, now)
            return []
        ready = [record]
        self.next_seq += 1
        while (held := self._held.pop(self.next_seq, None)) is not None:
            self._held_bytes -= _weight(held.record)
            ready.append(held.record)
            self.next_seq += 1
        self.held_since = now if self._held else None
        return ready

    def check(self, now: float, patience: float) -> None:
        """Raises Gap: the missing record has been waited for longer than that."""
        if self.held_since is not None and now - self.held_since > patience:
            raise Gap(self.next_seq, len(self._held))

    @property
    def read_again_after(self) -> tuple[bool, str | None]:
        """Whether records are held, and behind which place of the shard all of them lie."""
        places = [held.before for held in self._held.values()]
        if not places or None in places:
            return bool(places), None
        return True, min((place for place in places if place is not None), key=int)

    def _hold(self, record: Record, before: str | None, now: float) -> None:
        if len(self._held) >= MAX_HELD or self._held_bytes + _weight(record) > MAX_HELD_BYTES:
            raise Gap(self.next_seq, len(self._held))
        self._held[record.seq] = _Held(record, before)
        self._held_bytes += _weight(record)
        if self.held_since is None:
            self.held_since = now


def _weight(record: Record) -> int:
    return len(record.data) if isinstance(record, Data) else 1
