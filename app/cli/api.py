"""The API as the command line uses it: over HTTP, like any client."""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from app.cli.config import Config
from app.cli.errors import Refused, Unreachable

Json = dict[str, Any]
# Beyond the 15 s after which the API itself gives up.
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)
_PAUSE_SECONDS = 0.25
_PAUSE_MOST_SECONDS = 3.0


class Api:
    """A server and a key.

    Args:
        patience: Seconds for which a request is repeated while the server is away (no connection,
            or 503). Only for requests that may be made twice: reads, and those with a key.
    """

    def __init__(self, server: str, key: str | None, *, patience: float = 0.0) -> None:
        self.server = server
        self.patience = patience
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # The server is local or was named; a proxy of the environment is for the world outside.
        self.trust_env = not _is_local(server)
        self._http = httpx.Client(
            base_url=server, headers=headers, timeout=_TIMEOUT, trust_env=self.trust_env
        )

    @classmethod
    def of(cls, config: Config, *, patience: float = 0.0) -> Self:
        return cls(config.server_url, config.key, patience=patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Json:
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=given)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, once: str = "") -> Json:
        """Args: `once`, an Idempotency-Key, with which the request may be repeated."""
        headers = {"Idempotency-Key": once} if once else {}
        content = {} if body is None else {"json": body}
        return self._send("POST", path, headers=headers, **content)

    def delete(self, path: str) -> Json:
        return self._send("DELETE", path)

    def items(self, path: str, limit: int, **query: Any) -> list[Json]:
        """The first `limit` items of a list, over as many pages as they take."""
        found: list[Json] = []
        for page in self._pages(path, limit, query):
            found.extend(page)
            if len(found) >= limit:
                break
        return found[:limit]

    def _pages(self, path: str, limit: int, query: Mapping[str, Any]) -> Iterator[list[Json]]:
        cursor: str | None = None
        while True:
            page = self.get(path, limit=min(limit, 200), cursor=cursor, **query)
            yield page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _send(self, method: str, path: str, **request: Any) -> Json:
        """One request, repeated while the server is away and there is patience.

        Raises:
            Unreachable: nothing answers.
            Refused: the answer is an error.
        """
        deadline = time.monotonic() + self.patience
        pause = _PAUSE_SECONDS
        while True:
            try:
                return _answer(self._http.request(method, path, **request))
            except (httpx.TransportError, Refused) as error:
                passing = not isinstance(error, Refused) or error.status == 503
                if not passing or time.monotonic() + pause > deadline:
                    if isinstance(error, Refused):
                        raise
                    raise unreachable(self.server, error) from error
            time.sleep(pause)
            pause = min(2 * pause, _PAUSE_MOST_SECONDS)


def unreachable(server: str, error: httpx.TransportError) -> Unreachable:
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{server} does not answer in time.")
    return Unreachable(
        f"Nothing answers at {server}.",
        "Start Spool with `spool up`, or name another server with --server or SPOOL_SERVER.",
    )


def _answer(response: httpx.Response) -> Json:
    content: Any = None
    if response.content:
        try:
            content = response.json()
        except ValueError:
            content = None
    if response.is_success:
        return content if isinstance(content, dict) else {}
    raise Refused(response.status_code, content if isinstance(content, dict) else {})


def _is_local(server: str) -> bool:
    return httpx.URL(server).host in {"127.0.0.1", "localhost", "::1"}
