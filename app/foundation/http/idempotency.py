"""`@idempotent`: a POST that is sent again does nothing again (Idempotency-Key, 24 hours)."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from litestar import Request, Response
from litestar.params import HeaderParameter
from litestar.serialization import encode_json
from sqlalchemy.ext.asyncio import AsyncSession

from app.foundation.auth import Principal
from app.foundation.http.answers import Answer, check_key, find_answer, keep_answer, request_hash
from app.foundation.sealing import Sealer

R = TypeVar("R")
_JSON = "application/json"
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Any text of your own, new for each request you mean. Sent again within 24 "
        "hours, the request is not carried out again and the same answer is given.",
        required=False,
    ),
]


def idempotent(handler: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
    """Goes under `@post(…)`; the handler takes `tx`, or else `gate`, and does all its work in it.

    The answer is repeated with the same status, headers and body, and `Idempotency-Replayed: true`.
    The same key with another request is 422 `idempotency_key_reused`.
    """
    own = inspect.signature(handler)
    transaction = next((name for name in ("tx", "gate") if name in own.parameters), None)
    if transaction is None:
        raise TypeError(f"{handler.__qualname__} is idempotent, so it has to take tx")

    @functools.wraps(handler)
    async def wrapper(*args: Any, idempotency_key: str | None, **kwargs: Any) -> Any:
        request: Request[Principal, Any, Any] = kwargs["request"]
        given = kwargs if "request" in own.parameters else _without_request(kwargs)
        work = functools.partial(handler, *args, **given)
        if idempotency_key is None:
            return await work()
        owner = request.user.project_id
        return await answer_once(kwargs[transaction], request, owner, idempotency_key, work)

    _declare(wrapper, own)
    return wrapper


async def answer_once(
    tx: AsyncSession,
    request: Request[Any, Any, Any],
    owner: str,
    key: str,
    work: Callable[[], Awaitable[Any]],
) -> Response[Any]:
    """The kept answer of a request, or that of the work, which is kept then.

    Args:
        tx: The transaction in which the work is done.
        owner: Whose key it is, see `find_answer`.
        key: The Idempotency-Key as it was sent.

    Raises:
        Invalid: `idempotency_key_invalid` or `idempotency_key_reused`.
    """
    sealer: Sealer = request.app.state.sealer
    check_key(key)
    target = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
    this = request_hash(request.method, target, await request.body())
    kept = await find_answer(tx, owner, key, this, sealer)
    if kept is not None:
        return _response(kept, replayed=True)
    answer = _answer_of(await work(), request)
    # What the work has in memory has to fail, if it must, before its answer is kept.
    await tx.flush()
    await keep_answer(tx, owner, key, this, answer, sealer)
    return _response(answer, replayed=False)


def _declare(wrapper: Any, own: inspect.Signature) -> None:
    """Shows Litestar the handler's parameters and those that the wrapper needs."""
    extra: dict[str, Any] = {"idempotency_key": IdempotencyKey}
    if "request" not in own.parameters:
        extra["request"] = Request[Any, Any, Any]
    parameters = [
        *own.parameters.values(),
        *(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None if name == "idempotency_key" else inspect.Parameter.empty,
                annotation=annotation,
            )
            for name, annotation in extra.items()
        ),
    ]
    wrapper.__signature__ = own.replace(parameters=parameters)
    wrapper.__annotations__ = {**wrapper.__annotations__, **extra}


def _without_request(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "request"}


def _answer_of(result: Any, request: Request[Any, Any, Any]) -> Answer:
    status: int = request.route_handler.status_code
    headers: dict[str, str] = {}
    content_type = _JSON
    if isinstance(result, Response):
        status = result.status_code or status
        headers = dict(result.headers)
        content_type = str(result.media_type or _JSON)
        result = result.content
    if result is None:
        return Answer(status, content_type, headers, b"")
    body = result if isinstance(result, bytes) else encode_json(result)
    return Answer(status, content_type, headers, body)


def _response(answer: Answer, *, replayed: bool) -> Response[bytes]:
    headers = dict(answer.headers)
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(
        answer.body, status_code=answer.status, headers=headers, media_type=answer.content_type
    )
