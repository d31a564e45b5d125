"""Kept answers: what was said to a request is said again when the request comes again.

The answer is stored by the transaction that did the work. So either both are there or neither,
whatever breaks in between, and of many equal requests at once one works and the others wait for
its answer. Errors are not kept: their transaction left nothing, and the request may be tried again.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.errors import Conflict, Invalid
from app.foundation.http.models import IdempotentAnswer
from app.foundation.sealing import CannotOpen, Sealer

KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes


def check_key(key: str) -> str:
    """The key as it was sent.

    Raises:
        Invalid: `idempotency_key_invalid`.
    """
    if not _KEY.fullmatch(key):
        raise Invalid(
            "idempotency_key_invalid",
            "An Idempotency-Key has 1 to 255 printable ASCII characters and no spaces.",
        )
    return key


def request_hash(method: str, target: str, body: bytes) -> str:
    """SHA-256 over what makes a request the same one.

    Args:
        target: Path and query.
        body: The body; for one that is streamed, what is known of it (length, type, name).
    """
    digest = hashlib.sha256(f"{method} {target}\n".encode())
    digest.update(body)
    return digest.hexdigest()


async def find_answer(
    tx: AsyncSession, owner: str, key: str, request: str, sealer: Sealer
) -> Answer | None:
    """The kept answer, or None: then this transaction holds the key until it ends.

    Args:
        owner: The project; for who has none yet, whatever tells callers apart.
        key: The Idempotency-Key.
        request: `request_hash` of this request.

    Raises:
        Invalid: `idempotency_key_reused`: the key belongs to a different request.
        Conflict: `idempotency_key_invalid`: the answer cannot be read any more.
    """
    await tx.execute(_LOCK, {"name": f"{owner} {key}"})
    kept = await tx.scalar(
        select(IdempotentAnswer).where(
            IdempotentAnswer.project_id == owner,
            IdempotentAnswer.key == key,
            IdempotentAnswer.expires_at > func.clock_timestamp(),
        )
    )
    if kept is None:
        return None
    if kept.request_hash != request:
        raise Invalid(
            "idempotency_key_reused",
            "This key was used for a request with another method, path or body. "
            "Use a new key for a new request.",
        )
    try:
        body = sealer.open(kept.body, f"{owner} {key}")
    except CannotOpen as error:
        raise Conflict(
            "idempotency_key_invalid",
            "The request was carried out, but its answer cannot be read any more since the keys "
            "were rotated. Look the resource up instead.",
        ) from error
    return Answer(kept.status, kept.content_type, dict(kept.headers), body)


async def keep_answer(
    tx: AsyncSession, owner: str, key: str, request: str, answer: Answer, sealer: Sealer
) -> None:
    """Stores the answer with the work; `find_answer` comes first, in the same transaction."""
    values = {
        "request_hash": request,
        "status": answer.status,
        "content_type": answer.content_type,
        "headers": answer.headers,
        "body": sealer.seal(answer.body, f"{owner} {key}"),
        "created_at": func.clock_timestamp(),
        "expires_at": func.clock_timestamp() + KEPT_FOR,
    }
    # A row that is in the way has expired, or find_answer would have returned it.
    await tx.execute(
        insert(IdempotentAnswer)
        .values(project_id=owner, key=key, **values)
        .on_conflict_do_update(index_elements=["project_id", "key"], set_=values)
    )
