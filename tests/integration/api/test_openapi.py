"""The document is valid, complete and true, and its page needs nobody else."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from openapi_spec_validator import validate

from app.foundation.db.database import Database
from app.foundation.http.openapi import openapi_config, openapi_document
from app.settings import Settings

# Whoever reaches these may use them, or shows another permission than an account's.
PUBLIC = (
    "/health",
    "/ready",
    "/metrics",
    "/errors",
    "/docs",
    "/openapi.json",
    "/favicon.ico",
    "/static",
    "/v1/auth/",
    "/v1/members/unsubscribe",
    "/_store/",
    "/media/",
    "/watch/",
    "/embed/",
    "/oembed",
    "/{playback_id}/",
    "/{manifest}",
)
# Each is a session of its own, or can be repeated anyway.
WITHOUT_KEY = {"sign_in", "refresh", "sign_out", "unsubscribe"}
METHODS = {"get", "put", "post", "patch", "delete", "head"}


@pytest.fixture
def document(api: Litestar) -> dict[str, Any]:
    return openapi_document(api)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield method, path, item[method]


async def test_the_document_is_valid(client: httpx.AsyncClient) -> None:
    answer = await client.get("/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    validate(document)
    assert (await client.get("/docs/openapi.json")).content == answer.content


def test_every_operation_says_what_it_does(document: dict[str, Any]) -> None:
    silent = [
        f"{method} {path}: {field}"
        for method, path, operation in operations(document)
        for field in ("summary", "description", "operationId", "tags")
        if not operation.get(field)
    ]
    assert silent == []
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_operation_tells_its_errors_as_problems(document: dict[str, Any]) -> None:
    known = document["components"]["responses"]
    for method, path, operation in operations(document):
        responses = operation["responses"]
        assert {"500", "503"} <= responses.keys(), f"{method} {path}"
        for status, response in responses.items():
            if int(status) >= 400:
                name = response.get("$ref", "").rsplit("/", 1)[-1]
                content = known[name]["content"] if name else response["content"]
                # Pages for people say it in HTML.
                assert set(content) <= {"application/problem+json", "text/html"}, f"{path} {status}"


def test_every_post_of_the_api_takes_a_key(document: dict[str, Any]) -> None:
    without = [
        operation["operationId"]
        for method, path, operation in operations(document)
        if method == "post" and path.startswith(("/v1/", "/api/"))
        if "Idempotency-Key" not in {one["name"] for one in operation.get("parameters", [])}
    ]
    assert set(without) == WITHOUT_KEY


def test_every_route_is_guarded_or_meant_to_be_public(api: Litestar) -> None:
    unguarded = [
        f"{method} {route.path_format}"
        for route in api.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS" and not handler.resolve_guards()
        if not route.path_format.startswith(PUBLIC)
    ]
    assert unguarded == []


async def test_guarded_routes_refuse_strangers(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    for method, path, operation in operations(document):
        if "security" in operation:
            answer = await client.request(method, re.sub(r"\{[^}]+\}", "x", path))
            assert answer.status_code == 401, f"{method} {path}"


async def test_the_page_asks_no_other_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "//" not in page.replace("<!doctype", "")
    own = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert own
    for path in own:
        answer = await client.get(path)
        assert answer.status_code == 200, path


async def test_without_web_assets_the_page_says_so(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    config = openapi_config(version="1", static_root=tmp_path)
    page = config.render_plugins[0].render(None, {}).decode()  # type: ignore[arg-type]  # it asks nothing of the request
    assert "make web" in page
    assert 'href="/openapi.json"' in page


async def test_error_codes_lead_to_their_words(client: httpx.AsyncClient) -> None:
    problem = (await client.get("/v1/me")).json()
    explained = await client.get(problem["type"])
    assert explained.json() == {"code": problem["code"], "title": problem["title"]}
    page = await client.get(problem["type"], headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert problem["title"] in page.text
    listed = (await client.get("/errors")).json()
    assert problem["code"] in {one["code"] for one in listed}
    assert (await client.get("/errors/none_such")).status_code == 404
