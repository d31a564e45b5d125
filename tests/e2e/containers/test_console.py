"""The console's image: static files by an nginx that owns nothing."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.containers.container import Container
from tests.e2e.containers.engine import Engine
from tests.e2e.system.stack import until

pytestmark = pytest.mark.timeout(1200)
# Runs inside the container's network, where 8080 is nobody else's.
_ASK = """
import http.client, json, sys
c = http.client.HTTPConnection("127.0.0.1", 8080, timeout=5)
c.request(sys.argv[1], sys.argv[2], headers={"Accept-Encoding": sys.argv[3]})
a = c.getresponse()
print(json.dumps([a.status, {k.lower(): v for k, v in a.getheaders()}, a.read().hex()]))
"""


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(console: Container, path: str, method: str = "GET", encoding: str = "") -> Answer:
    inside = ("nsenter", f"--net=/proc/{console.pid}/ns/net")
    done = subprocess.run(
        [*inside, sys.executable, "-c", _ASK, method, path, encoding],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    status, headers, body = json.loads(done.stdout)
    return Answer(status, headers, bytes.fromhex(body))


@pytest.fixture(scope="module")
def console(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    log = tmp_path_factory.mktemp("console") / "console.log"
    container = Container(engine, engine.images["console"], log=log, network="none", memory="64m")
    container.start({})
    try:
        yield container
    finally:
        container.remove()


async def test_it_answers_as_uid_101_from_a_root_that_is_read_only(console: Container) -> None:
    async def healthy() -> bool:
        return console.is_healthy()

    await until(healthy, "the console is healthy")
    assert console.run("id", "-u").stdout.strip() == "101"
    assert console.inspect("{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert ask(console, "/healthz").body == b"ok\n"
    page = ask(console, "/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<h1>Spool</h1>" in page.body
    # An address of the console's own, which is no file.
    assert ask(console, "/videos/ast_1").body == page.body


async def test_its_answers_are_closed_to_others_and_compressed(console: Container) -> None:
    page = ask(console, "/", encoding="gzip")
    assert page.headers["content-encoding"] == "gzip"
    assert b"Spool" in gzip.decompress(page.body)
    assert page.headers["server"] == "nginx"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-cache"
    assert ask(console, "/", method="POST").status in {403, 405}
    missing = ask(console, "/assets/gone.js")
    assert missing.status == 404
    assert missing.headers["x-content-type-options"] == "nosniff"


async def test_it_stops_when_it_is_told_to(console: Container) -> None:
    console.stop(10)
    assert console.inspect("{{.State.ExitCode}}") == "0"


def test_the_page_names_what_it_loads(engine: Engine) -> None:
    site = Path(__file__).parents[3] / "app" / "console" / "site"
    page = (site / "index.html").read_text()
    assert 'href="/style.css"' in page
    assert (site / "style.css").is_file()
    assert "://" not in page
