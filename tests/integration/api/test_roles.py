"""The API divided: each role has its own routes, and lives with its own grants."""

import asyncio
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute

from app.asgi import create_app
from app.foundation.db.database import Database
from app.foundation.http.openapi import openapi_document
from app.local.postgres import LocalPostgres
from app.paths import BESIDE_CONSOLE, OWN_PATHS, PATHS, role_of
from app.roles import ROLES, Access
from app.seams import make_store
from app.settings import STORELESS_ROLES, Settings
from tests.conftest import database_of, make_settings, run_sql
from tests.integration.api.conftest import client_of
from tests.integration.api.people import register
from tests.published_media import MadeMedia, add_asset, make_media, publish

PARTS = tuple(PATHS)
PAGE = Path(__file__).parents[3] / "docs" / "roles.md"
READS = {"read", "head", "list", "sign_get", "check"}


def settings_of(role: str, database_url: str, folder: Path, **changes: object) -> Settings:
    """Without a store where the role needs none."""
    storeless = {"store_root": None} if role in STORELESS_ROLES else {}
    return make_settings(database_url, folder, role=role, **storeless, **changes)


@pytest.fixture(params=PARTS)
def role(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def divided(role: str, database_url: str, database: Database, tmp_path: Path) -> Litestar:
    return create_app(settings_of(role, database_url, tmp_path), database=database)


def routes(app: Litestar) -> set[str]:
    """What an app mounts beside what every process has."""
    return {
        route.path_format
        for route in app.routes
        if isinstance(route, HTTPRoute)
        if not route.path_format.startswith((*OWN_PATHS, "/favicon.ico"))
    }


def handler_parameters(app: Litestar) -> Iterator[set[str]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, _ in route.route_handler_map.values():
                yield set(handler.parsed_fn_signature.parameters)


def test_the_roles_are_the_whole_api_and_share_nothing(api: Litestar, settings: Settings) -> None:
    mounted = {
        name: routes(create_app(settings.model_copy(update={"role": name}))) for name in PARTS
    }
    everything = [path for paths in mounted.values() for path in paths]
    assert sorted(everything) == sorted(routes(api))
    # And the table sends each path to who has it.
    strays = [
        (name, path)
        for name, paths in mounted.items()
        for path in paths
        if role_of(re.sub(r"\{[^}]+\}", "x", path)) != name
    ]
    assert strays == []


def test_every_pattern_of_the_table_leads_somewhere(api: Litestar) -> None:
    paths = [re.sub(r"\{[^}]+\}", "x", path) for path in routes(api)]
    for name, patterns in PATHS.items():
        for pattern in patterns:
            regex = re.escape(pattern).replace(r"\*", ".*")
            assert any(re.fullmatch(regex, path) for path in paths), (name, pattern)


def test_beside_a_console_every_path_of_the_catalog_is_its_own(api: Litestar) -> None:
    """All but what another role has, which is tried before."""
    for path in routes(api) | set(OWN_PATHS) - {"/metrics", "/static"}:
        asked = re.sub(r"\{manifest[^}]*\}", "x.m3u8", path)
        asked = re.sub(r"\{[^}]+\}", "x", asked)
        if role_of(asked) == "catalog":
            assert any(fnmatchcase(asked, pattern) for pattern in BESIDE_CONSOLE), path
    page = PAGE.read_text()
    assert all(f"`{pattern}`" in page for pattern in BESIDE_CONSOLE)


def test_the_page_has_the_same_table() -> None:
    rows = re.findall(r"^\| (\w+) \| (`/.*`) \|$", PAGE.read_text(), re.MULTILINE)
    assert [(name, tuple(re.findall(r"`([^`]+)`", cell))) for name, cell in rows] == [
        *PATHS.items()
    ]


def test_the_page_tells_the_grants_as_they_are() -> None:
    rows = re.findall(r"^\| (\w+) \|(?: [^|]*\|){5}$", PAGE.read_text(), re.MULTILINE)
    assert [name for name in rows if name in PARTS] == [name for name in ROLES if name != "all"]
    for name in PARTS:
        row = re.search(rf"^\| {name} \|([^|]*\|){{5}}$", PAGE.read_text(), re.MULTILINE)
        assert row is not None
        _, _, _, data, objects, tasks, keys, _ = (cell.strip() for cell in row[0].split("|"))
        access = ROLES[name].access
        assert ("`LISTEN`" in data) == (Access.EVENTS in access)
        assert ("get" in objects, "put" in objects) == (
            Access.READ in access,
            Access.WRITE in access,
        )
        assert (tasks == "yes") == (Access.TASKS in access)
        assert (keys == "yes") == (Access.DELIVERY in access)


def test_a_role_has_what_its_handlers_ask_for(role: str, divided: Litestar) -> None:
    asked = set().union(*handler_parameters(divided))
    access = ROLES[role].access
    assert ("store" in asked) == ROLES[role].uses_store
    assert ("listener" in asked) == (Access.EVENTS in access)
    assert ("delivery" in asked) == (Access.DELIVERY in access)
    assert ROLES[role].uses_store == (role not in STORELESS_ROLES)


def test_a_role_that_uses_the_store_has_to_be_told_of_it(
    role: str, database_url: str, tmp_path: Path
) -> None:
    if role in STORELESS_ROLES:
        assert settings_of(role, database_url, tmp_path).store_root is None
    else:
        with pytest.raises(ValueError, match="needs SPOOL_STORE_ROOT"):
            make_settings(database_url, tmp_path, role=role, store_root=None)


async def test_each_role_is_ready_with_what_it_uses(role: str, divided: Litestar) -> None:
    async with client_of(divided) as client:
        checks = (await client.get("/ready")).json()["checks"]
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert "http_request_duration_seconds" in (await client.get("/metrics")).text
    expected = {"database"}
    expected |= {"store"} if ROLES[role].uses_store else set()
    expected |= {"queue"} if Access.TASKS in ROLES[role].access else set()
    assert checks == dict.fromkeys(expected, "ok")


async def test_a_path_of_another_role_says_whose_it_is(role: str, divided: Litestar) -> None:
    one = {
        "uploader": "/v1/uploads",
        "accounts": "/v1/me",
        "analytics": "/api/analytics/videos",
        "catalog": "/v1/assets",
    }
    async with client_of(divided) as client:
        for owner, path in one.items():
            answer = await client.get(path, headers={"X-Correlation-ID": "kept-1"})
            assert answer.headers["x-correlation-id"] == "kept-1"
            problem = answer.json()
            assert problem["correlation_id"] == "kept-1"
            if owner == role:
                assert answer.status_code in {401, 405}
            else:
                assert (answer.status_code, problem["code"]) == (404, "not_found")
                assert (problem["serves"], problem["role"]) == (role, owner)
        nowhere = await client.get("/v1/nothing/here")
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
        # Made where none was sent.
        assert nowhere.headers["x-correlation-id"] == nowhere.json()["correlation_id"]


def test_the_document_of_a_role_is_of_its_own_routes(role: str, divided: Litestar) -> None:
    paths = set(openapi_document(divided)["paths"])
    assert paths
    assert {path for path in paths if not path.startswith(OWN_PATHS)} <= routes(divided)


@get("/test/slow")
async def slow() -> None:
    await asyncio.Event().wait()


async def test_requests_of_every_role_end_in_time(
    role: str, database_url: str, database: Database, tmp_path: Path
) -> None:
    hasty = settings_of(role, database_url, tmp_path, request_timeout_seconds=0.05)
    app = create_app(hasty, database=database)
    app.register(slow)
    async with client_of(app) as client:
        answer = await client.get("/test/slow", headers={"X-Correlation-ID": "kept-2"})
    assert (answer.status_code, answer.json()["code"]) == (503, "request_timeout")
    assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"] == "kept-2"
    assert Settings.model_fields["request_timeout_seconds"].default == 15


class Noting:
    """A store that notes what it is asked for."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self._store, name)


class ByPath(httpx.AsyncBaseTransport):
    """A load balancer without a network."""

    def __init__(self, apps: dict[str, Litestar]) -> None:
        self._roles = {name: httpx.ASGITransport(app) for name, app in apps.items()}  # type: ignore[arg-type]  # httpx has looser ASGI types

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._roles[role_of(request.url.path)].handle_async_request(request)


@pytest.fixture
def bound_url(postgres: LocalPostgres, database_url: str) -> Iterator[str]:
    """A login that may take the two roles of the API and not that of the workers."""
    run_sql(postgres, "CREATE ROLE api_only LOGIN PASSWORD 'api-only' NOINHERIT")
    run_sql(postgres, "GRANT spool_app, spool_gate TO api_only")
    name = database_url.rsplit("/", 1)[1]
    host = database_of(postgres.app_url, name).rsplit("@", 1)[1]
    yield f"postgresql+asyncpg://api_only:api-only@{host}"
    run_sql(postgres, "DROP OWNED BY api_only")
    run_sql(postgres, "DROP ROLE api_only")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    return make_media(tmp_path_factory.mktemp("media"))


async def test_the_grants_of_the_table_are_enough(
    bound_url: str, database: Database, made: MadeMedia, tmp_path: Path
) -> None:
    bound = Database(bound_url, pool_size=5)
    stores = {name: Noting(make_store(make_settings(bound_url, tmp_path))) for name in PARTS}
    apps = {
        name: create_app(
            settings_of(name, bound_url, tmp_path),
            database=bound,
            store=stores[name],
        )
        for name in PARTS
    }
    async with httpx.AsyncClient(transport=ByPath(apps), base_url="http://spool.test") as client:
        assert (await client.get("/ready")).json()["status"] == "ready"
        ada = await register(client, "ada@example.org")
        client.headers.update(ada.headers)

        async def ask(method: str, path: str, **more: Any) -> Any:
            answer = await client.request(method, path, **more)
            assert answer.status_code < 300, f"{method} {path}: {answer.text}"
            return answer

        sent = await ask("POST", "/v1/uploads/simple?filename=a.mp4", content=b"no video")
        uploaded = sent.json()["asset_id"]
        parts = await ask("POST", "/v1/uploads", json={"filename": "b.mp4", "size_bytes": 10})
        await ask("GET", f"/v1/uploads/{parts.json()['id']}/parts")
        await ask("DELETE", f"/v1/uploads/{parts.json()['id']}")
        await ask("GET", f"/v1/assets/{uploaded}/source")
        await ask("GET", f"/v1/jobs?asset_id={uploaded}")

        asset_id = await add_asset(database, ada.project_id)
        await publish(database, stores["catalog"]._store, made, ada.project_id, asset_id)
        shared = await ask("POST", f"/v1/assets/{asset_id}/playback-ids", json={})
        playback_id = shared.json()["id"]
        manifest = await ask("GET", f"/{playback_id}.m3u8")
        await ask("GET", next(x for x in manifest.text.splitlines() if x.startswith("/media")))
        for name in ("poster.jpg", "thumbnail.webp?time=2&width=90", "storyboard.vtt", "status"):
            await ask("GET", f"/{playback_id}/{name}")
        await ask("GET", f"/watch/{playback_id}")
        await ask("GET", f"/v1/assets/{asset_id}/images")
        assert (await ask("GET", "/api/analytics/videos")).json()["videos"]
        await ask("POST", "/v1/api-keys", json={"name": "k", "scopes": ["assets:read"]})
        await ask("DELETE", f"/v1/assets/{asset_id}")
    await bound.close()
    assert stores["accounts"].asked == stores["analytics"].asked == set()
    assert stores["catalog"].asked <= READS
    assert not stores["uploader"].asked <= READS
