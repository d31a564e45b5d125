"""Idempotency for requests whose body is a stream: too large to be hashed or to wait in a lock.

The work lies between two transactions. Both ask for a kept answer: the first saves reading the body
again, the second decides between requests that came at once.
"""

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response
from litestar.serialization import encode_json
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.http.answers import Answer, check_key, find_answer, keep_answer, request_hash
from app.foundation.sealing import Sealer

_JSON = "application/json"


class StreamedOnce:
    """A request that may carry an Idempotency-Key.

    Args:
        owner: Whose key it is: the project.
        key: The header, None where the request has none.
        body: What is known of the body beforehand; the same for the same request.

    Raises:
        Invalid: idempotency_key_invalid.
    """

    def __init__(
        self, request: Request[Any, Any, Any], owner: str, key: str | None, *, body: str
    ) -> None:
        self._sealer: Sealer = request.app.state.sealer
        self._owner = owner
        self._key = None if key is None else check_key(key)
        target = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
        self._hash = request_hash(request.method, target, body.encode())

    async def replay(self, tx: AsyncSession) -> Response[bytes] | None:
        """The kept answer, if there is one; else the transaction holds the key until it ends.

        Raises:
            Invalid: idempotency_key_reused.
            Conflict: idempotency_key_invalid; the answer cannot be read any more.
        """
        if self._key is None:
            return None
        kept = await find_answer(tx, self._owner, self._key, self._hash, self._sealer)
        if kept is None:
            return None
        headers = {**kept.headers, "Idempotency-Replayed": "true"}
        return Response(
            kept.body, status_code=kept.status, headers=headers, media_type=kept.content_type
        )

    async def keep(
        self,
        tx: AsyncSession,
        content: Any,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Response[bytes]:
        """The answer, kept with the work of this transaction; `replay` comes first in it."""
        body = b"" if content is None else encode_json(content)
        kept = dict(headers or {})
        if self._key is not None:
            answer = Answer(status, _JSON, kept, body)
            await keep_answer(tx, self._owner, self._key, self._hash, answer, self._sealer)
        return Response(body, status_code=status, headers=kept, media_type=_JSON)
