"""A server on a port of its own, and Chromium to look at it."""

import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    async_playwright,
)

from app.asgi import create_app
from app.settings import Settings
from tests.conftest import make_settings
from tests.published_media import MadeMedia, make_media
from tests.servers.router import serving

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeMedia:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def settings(database_url: str, tmp_path: Path, listener: socket.socket) -> Settings:
    port = listener.getsockname()[1]
    return make_settings(database_url, tmp_path, public_url=f"http://127.0.0.1:{port}")


@pytest.fixture
def served(settings: Settings, listener: socket.socket) -> Iterator[str]:
    """The API, and its address."""
    with serving(create_app(settings), listener, lifespan="on"):
        yield settings.public_url


@dataclass
class Watched:
    """A page, and what went over the wire for it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def elsewhere(self, address: str) -> list[str]:
        """Requests to other places than `address`."""
        own = urlsplit(address).netloc
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).netloc != own
        ]


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs a Chromium with H.264 and AAC: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        opened = await browser.new_context(viewport={"width": 1280, "height": 800})
        yield opened
        await browser.close()


@pytest.fixture
async def watched(context: BrowserContext) -> Watched:
    page = await context.new_page()
    seen = Watched(page)

    def failed(request: Request) -> None:
        # A player drops a download it does not need any more; that is no failure.
        if request.failure != "net::ERR_ABORTED":
            seen.failures.append(f"{request.url}: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            seen.failures.append(f"{response.url}: {response.status}")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            seen.complaints.append(message.text)

    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("requestfailed", failed)
    page.on("response", answered)
    page.on("console", said)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    return seen
