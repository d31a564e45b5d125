"""The proxy harms what it should, and nothing else: without this its users would prove little."""

import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.servers.fault_proxy import FaultProxy


class Echo(http.server.ThreadingHTTPServer):
    """Gives back what is put, and counts how often it was asked to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = 0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        assert isinstance(self.server, Echo)
        self.server.asked += 1
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-host", self.headers["host"])
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", echo.server_port, seed=4) as running:
        yield running


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=10) as opened:
        yield opened


def test_what_is_not_harmed_passes_unchanged(proxy: FaultProxy, client: httpx.Client) -> None:
    for size in (0, 1, 5_000_000):
        answer = client.put("/a", content=bytes(size))
        assert (answer.status_code, answer.content) == (200, bytes(size))
        assert answer.headers["x-host"] == f"127.0.0.1:{proxy.port}"
        assert client.head("/a").headers["content-length"] == "1000"
        assert client.get("/a").content == b"abcde"
    assert proxy.counts == {"forwarded": 9}


@pytest.mark.parametrize("size", [0, 3_000_000])
def test_an_error_never_reaches_the_server(
    proxy: FaultProxy, client: httpx.Client, echo: Echo, size: int
) -> None:
    proxy.error_share = 1.0
    assert client.put("/a", content=bytes(size)).status_code == 503
    assert (echo.asked, proxy.counts) == (0, {"error": 1})
    proxy.heal()
    assert client.put("/a", content=bytes(size)).status_code == 200


def test_a_reset_never_reaches_the_server(
    proxy: FaultProxy, client: httpx.Client, echo: Echo
) -> None:
    proxy.reset_share = 1.0
    with pytest.raises(httpx.NetworkError):
        client.put("/a", content=bytes(3_000_000))
    assert (echo.asked, proxy.counts) == (0, {"reset": 1})


def test_what_is_cut_was_carried_out(proxy: FaultProxy, client: httpx.Client, echo: Echo) -> None:
    proxy.cut_share = 1.0
    with pytest.raises(httpx.TransportError):
        client.put("/a", content=bytes(3_000_000))
    assert (echo.asked, proxy.counts) == (1, {"cut": 1})


def test_a_duplicate_is_carried_out_twice(
    proxy: FaultProxy, client: httpx.Client, echo: Echo
) -> None:
    proxy.duplicate_share = 1.0
    assert client.put("/a", content=b"body").content == b"body"
    assert (echo.asked, proxy.counts) == (2, {"duplicate": 1})


def test_what_is_down_comes_back(proxy: FaultProxy, client: httpx.Client) -> None:
    client.put("/a", content=b"")
    proxy.down = True
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            client.put("/a", content=b"")
    proxy.down = False
    assert client.put("/a", content=b"").status_code == 200
    assert proxy.counts["refused"] >= 1


def test_shares_are_kept_to(proxy: FaultProxy, client: httpx.Client) -> None:
    proxy.error_share = 0.3
    statuses = [client.put("/a", content=b"").status_code for _ in range(300)]
    assert 60 < statuses.count(503) < 120
    assert proxy.counts["error"] == statuses.count(503)
