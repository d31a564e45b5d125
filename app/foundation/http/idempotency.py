"""`@idempotent`: a POST that is sent again does nothing again (Idempotency-Key, 24 hours)."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from litestar import Request, Response
from litestar.params import HeaderParameter
from litestar.serialization import encode_json

from app.foundation.auth import Principal
from app.foundation.http.answers import Answer, check_key, find_answer, keep_answer, request_hash

R = TypeVar("R")
_JSON = "application/json"
_KEY_ANNOTATION = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="Any text of your own, new for each request you mean. Sent again within 24 "
        "hours, the request is not carried out again and the same answer is given.",
        examples=[],
        required=False,
    ),
]


def idempotent(handler: Callable[..., Awaitable[R]]) -> Callable[..., Awaitable[R]]:
    """Goes under `@post(…)`; the handler takes `tx` and does all its work in it.

    The answer is repeated with the same status, headers and body, and `Idempotency-Replayed: true`.
    The same key with another request is 422 `idempotency_key_reused`.
    """
    own = inspect.signature(handler)
    if "tx" not in own.parameters:
        raise TypeError(f"{handler.__qualname__} is idempotent, so it has to take tx")

    @functools.wraps(handler)
    async def wrapper(*args: Any, idempotency_key: str | None, **kwargs: Any) -> Any:
        request: Request[Principal, Any, Any] = kwargs["request"]
        given = kwargs if "request" in own.parameters else _without_request(kwargs)
        if idempotency_key is None:
            return await handler(*args, **given)
        tx, sealer, owner = kwargs["tx"], request.app.state.sealer, request.user.project_id
        key = check_key(idempotency_key)
        target = f"{request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
        this = request_hash(request.method, target, await request.body())
        kept = await find_answer(tx, owner, key, this, sealer)
        if kept is not None:
            return _response(kept, replayed=True)
        answer = _answer_of(await handler(*args, **given), request)
        # What the work has in memory has to fail, if it must, before its answer is kept.
        await tx.flush()
        await keep_answer(tx, owner, key, this, answer, sealer)
        return _response(answer, replayed=False)

    _declare(wrapper, own)
    return wrapper


def _declare(wrapper: Any, own: inspect.Signature) -> None:
    """Shows Litestar the handler's parameters and those that the wrapper needs."""
    extra: dict[str, Any] = {"idempotency_key": _KEY_ANNOTATION}
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
