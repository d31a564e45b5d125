"""Strong entity tags from row versions (RFC 9110, sections 8.8.3 and 13.1.1)."""

from app.foundation.errors import PreconditionFailed, PreconditionRequired


def etag(version: int) -> str:
    """The value of an `ETag` header, quotes included."""
    return f'"v{version}"'


def require_match(if_match: str | None, version: int) -> None:
    """Lets a change through only if it was made on the newest version.

    Args:
        if_match: The If-Match header: `*`, or one or more entity tags.
        version: The row's version, read in the transaction that will change it.

    Raises:
        PreconditionRequired: 428, without the header.
        PreconditionFailed: 412, when none of the tags is the row's.
    """
    if not if_match:
        raise PreconditionRequired(
            "precondition_required",
            "Send the ETag of the version you have seen as If-Match, or `*` to change any.",
        )
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" not in tags and etag(version) not in tags:
        raise PreconditionFailed(
            "precondition_failed",
            f"The version is {etag(version)} now. Get it again and repeat the change on it.",
            headers={"ETag": etag(version)},
        )
