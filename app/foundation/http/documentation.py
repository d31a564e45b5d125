"""How a handler tells the OpenAPI document what can go wrong: `responses=documented({...})`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from app.foundation.errors import TITLES
from app.foundation.http.problems import MEDIA_TYPE


def _says(text: str, example: Any) -> msgspec.Meta:
    return msgspec.Meta(description=text, examples=[example])


class Place(msgspec.Struct, omit_defaults=True, rename={"where": "in"}):
    """One thing that is wrong with a request, and where it is."""

    detail: Annotated[str, _says("What is wrong.", "Expected `int`, got `str`")]
    pointer: Annotated[str | None, _says("JSON pointer into the body (RFC 6901).", "/size")] = None
    parameter: Annotated[str | None, _says("Name of a parameter.", "limit")] = None
    where: Annotated[str | None, _says("Where that parameter is.", "query")] = None


class Problem(msgspec.Struct):
    """An error (RFC 9457). Programs go by `code`, people by `detail`."""

    type: Annotated[str, _says("Where the code is explained.", "/errors/not_found")]
    title: Annotated[str, _says("The code in words.", "Nothing here")]
    status: Annotated[int, _says("The HTTP status.", 404)]
    detail: Annotated[str, _says("What happened, and what to do.", "No such asset.")]
    instance: Annotated[str, _says("The path that was asked for.", "/v1/assets/ast_1")]
    code: Annotated[str, _says("Stable name of the error.", "not_found")]
    correlation_id: Annotated[str, _says("Finds the request in logs and traces.", "cor_0a1b2c")]
    errors: Annotated[
        list[Place] | msgspec.UnsetType,
        msgspec.Meta(description="Each single fault, when the request does not fit."),
    ] = msgspec.UNSET


def documented(codes_of_status: Mapping[int, str | Sequence[str]]) -> dict[int, ResponseSpec]:
    """`responses` of a handler, e.g. `documented({404: "asset_not_found", 409: "asset_state"})`.

    What any handler may answer (401, 403, 422 for what does not fit, 500, 503) is added to the
    document elsewhere.
    """
    answers: dict[int, ResponseSpec] = {}
    for status, named in codes_of_status.items():
        codes = [named] if isinstance(named, str) else list(named)
        answers[status] = ResponseSpec(
            Problem,
            generate_examples=False,
            description="; ".join(f"`{code}`: {TITLES[code]}" for code in codes),
            media_type=MEDIA_TYPE,
            examples=[Example(summary=code, value=example_problem(code, status)) for code in codes],
        )
    return answers


def example_problem(code: str, status: int) -> dict[str, Any]:
    return {
        "type": f"/errors/{code}",
        "title": TITLES[code],
        "status": status,
        "detail": TITLES[code],
        "instance": "/v1/…",
        "code": code,
        "correlation_id": "cor_0a1b2c3d4e5f6g7h8j9k0m",
    }
