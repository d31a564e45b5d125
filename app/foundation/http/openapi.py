"""The OpenAPI 3.1 document and the page that shows it, both without another host's help."""

from pathlib import Path
from typing import Any

from litestar import Controller, Litestar, MediaType, Request, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag
from litestar.response import Redirect
from litestar.routes import HTTPRoute
from litestar.serialization import encode_json

from app.foundation.errors import TITLES
from app.foundation.http.documentation import example_problem
from app.foundation.http.problems import MEDIA_TYPE

_ABOUT = """\
A video platform that a team runs itself: uploads in, adaptive streams out.

- Times are RFC 3339 in UTC. Lists are pages: follow `next_cursor` until it is null.
- Every answer carries `X-Correlation-ID`; send your own to find a request again.
- Errors are problem documents (RFC 9457). Programs go by `code`, which never changes its meaning.
- Every POST under `/v1` takes an `Idempotency-Key`, for 24 hours.
- Changes of what others may change too take the `ETag` they were made on as `If-Match`.
"""
# What any handler may answer, by what it asks for.
_Answers = dict[str, tuple[str, ...]]
_ALWAYS: _Answers = {
    "500": ("internal_error",),
    "503": ("unavailable", "overloaded", "request_timeout"),
}
_WITH_CREDENTIALS: _Answers = {
    "401": ("credentials_missing", "credentials_invalid", "token_expired"),
    "403": ("scope_missing",),
}
_WITH_PARAMETERS: _Answers = {"422": ("validation_failed",)}
_WITH_BODY: _Answers = {
    "400": ("bad_request",),
    "413": ("body_too_large",),
    "415": ("unsupported_media_type",),
    "422": ("validation_failed",),
}
_WITH_KEY: _Answers = {
    "422": ("validation_failed", "idempotency_key_invalid", "idempotency_key_reused")
}

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Spool API</title>
<link rel="icon" href="/static/favicon.svg">
"""
_SWAGGER = """\
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css">
<div id="api"></div>
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/static/docs/show.js"></script>
</html>
"""
_PLAIN = """\
<h1>Spool API</h1>
<p>The document is at <a href="/openapi.json">/openapi.json</a>. The page that shows it comes with
the web assets, which are not installed here: <code>make web</code> brings them.</p>
</html>
"""


def openapi_config(*, version: str, static_root: Path) -> OpenAPIConfig:
    """Litestar's configuration; the page is at /docs.

    Args:
        static_root: What /static serves; has the viewer in it if web assets were installed.
    """
    return OpenAPIConfig(
        title="Spool",
        version=version,
        description=_ABOUT,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="An access token or an API key."
                ),
                "api_key": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
            }
        ),
        tags=[Tag(name="accounts", description="Sign in, projects, members, API keys.")],
        use_handler_docstrings=True,
        path="/docs",
        render_plugins=[_Viewer(static_root), _Document(path="/openapi.json")],
    )


class DocumentController(Controller):
    """What tools and browsers look for at the root."""

    include_in_schema = False

    @get("/favicon.ico")
    async def favicon(self) -> Redirect:
        return Redirect("/static/favicon.svg", status_code=308)

    @get("/openapi.json")
    async def document(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(encoded_document(request.app), media_type=MediaType.JSON)


class _Viewer(OpenAPIRenderPlugin):
    def __init__(self, static_root: Path) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)
        self._viewer = static_root / "vendor" / "swagger-ui" / "swagger-ui-bundle.js"

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        del request, openapi_schema  # the page fetches the document by itself
        return (_PAGE + (_SWAGGER if self._viewer.is_file() else _PLAIN)).encode()


class _Document(OpenAPIRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        del openapi_schema  # without the common answers
        return encoded_document(request.app)


def encoded_document(app: Litestar) -> bytes:
    """The document as JSON, made at the first request for it."""
    cached: bytes | None = app.state.get("openapi_document")
    if cached is None:
        cached = app.state["openapi_document"] = encode_json(openapi_document(app))
    return cached


def openapi_document(app: Litestar) -> dict[str, Any]:
    """Litestar's document, with what guards and error handlers add to every operation."""
    document = app.openapi_schema.to_schema()
    paths: dict[str, Any] = document["paths"]
    used: dict[str, dict[str, Any]] = {}
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for method, (handler, _) in route.route_handler_map.items():
            operation = paths.get(route.path_format, {}).get(method.lower())
            if operation is None:
                continue
            scopes = _scopes(handler.resolve_guards())
            if scopes is not None:
                operation["security"] = [{"bearer": []}, {"api_key": []}]
                if scopes:
                    needed = " ".join(f"`{scope}`" for scope in scopes)
                    text = operation.get("description", "")
                    operation["description"] = f"{text}\n\nScope: {needed}".lstrip()
            answers = _common_answers(operation, guarded=scopes is not None)
            used |= {_name(codes): _described(codes, int(at)) for at, codes in answers.items()}
            _add(operation["responses"], answers)
    document["components"]["responses"] = used
    return document


def _scopes(guards: Any) -> tuple[str, ...] | None:
    """What the guards ask for; None for a public handler."""
    asked = [guard.scopes for guard in guards if hasattr(guard, "scopes")]
    return tuple(scope for scopes in asked for scope in scopes) if asked else None


def _common_answers(operation: dict[str, Any], *, guarded: bool) -> _Answers:
    parameters = operation.get("parameters", [])
    return {
        **_ALWAYS,
        **(_WITH_CREDENTIALS if guarded else {}),
        **(_WITH_PARAMETERS if parameters else {}),
        **(_WITH_BODY if "requestBody" in operation else {}),
        **(_WITH_KEY if any(one["name"] == "Idempotency-Key" for one in parameters) else {}),
    }


def _add(responses: dict[str, Any], answers: _Answers) -> None:
    # Litestar announces 400 with a shape of its own wherever there are parameters.
    if MEDIA_TYPE not in responses.get("400", {}).get("content", {}):
        responses.pop("400", None)
    for status, codes in answers.items():
        responses.setdefault(status, {"$ref": f"#/components/responses/{_name(codes)}"})


def _name(codes: tuple[str, ...]) -> str:
    return ".".join(codes)


def _described(codes: tuple[str, ...], status: int) -> dict[str, Any]:
    return {
        "description": "; ".join(f"`{code}`: {TITLES[code]}" for code in codes),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"value": example_problem(code, status)} for code in codes},
            }
        },
    }
