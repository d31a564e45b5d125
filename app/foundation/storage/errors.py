"""What a store can say no with.

    StoreError
    ├── InvalidKey         the name cannot be a key
    ├── NotFound           no such object
    ├── AlreadyExists      `if_absent` was asked for, and something is there
    ├── Changed            the object is no longer the one with the ETag
    ├── NoSuchUpload       never begun, completed or aborted
    ├── PartInvalid        a part cannot be taken or counted
    │   ├── PartMissing    it was never received whole
    │   ├── PartTooSmall   below the minimum, and not the last
    │   ├── PartTooLarge   more bytes than the part may have
    │   └── PartMismatch   another ETag or size than the store has
    ├── WrongSize          an object's body may not have that many bytes
    ├── Incomplete         the body ended before its announced length
    └── StoreUnavailable   the store is away; worth another try
        └── OutOfSpace     no space, or no quota, left

Stores translate what their library raises into these; callers see nothing else.
"""


class StoreError(Exception):
    """Any of the below."""


class InvalidKey(StoreError):
    """The name cannot be a key of any store."""


class NotFound(StoreError):
    """There is no object under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object under {key!r}")
        self.key = key


class AlreadyExists(StoreError):
    """There is an object under the key already."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is an object under {key!r}")
        self.key = key


class Changed(StoreError):
    """The object under the key is another one than the caller knows."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the object under {key!r} was replaced")
        self.key = key


class NoSuchUpload(StoreError):
    """The multipart upload was never begun, or it is completed or aborted."""

    def __init__(self, upload_id: str) -> None:
        super().__init__(f"no multipart upload {upload_id!r}")
        self.upload_id = upload_id


class PartInvalid(StoreError):
    """A part cannot be taken, or not be counted towards the object."""

    def __init__(self, number: int, detail: str) -> None:
        super().__init__(f"part {number}: {detail}")
        self.number = number
        self.detail = detail


class PartMissing(PartInvalid):
    """The part was never received whole."""


class PartTooSmall(PartInvalid):
    """The part is below the minimum and not the last one."""


class PartTooLarge(PartInvalid):
    """The part has more bytes than it may."""


class PartMismatch(PartInvalid):
    """The part's ETag or size is not what the store has."""


class WrongSize(StoreError):
    """The body of an object has, or announces, more or fewer bytes than it may."""


class Incomplete(StoreError):
    """The body ended before its announced length; nothing of it counts."""


class StoreUnavailable(StoreError):
    """The store does not answer or cannot be written; the same call may work later."""


class OutOfSpace(StoreUnavailable):
    """No space, or no quota, is left."""
