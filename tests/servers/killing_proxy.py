"""A proxy before SQS that kills its client when a batch has been sent and the client not told."""

import http.client
import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

_SEND = "AmazonSQS.SendMessageBatch"
_KEPT = {"content-type", "x-amz-target", "authorization", "x-amz-date"}


class KillingProxy(ThreadingHTTPServer):
    """Kills (SIGKILL) process `victim` at every `kill_each`-th batch, after the queue took it.

    Args:
        most_kills: After so many it only passes on. A sender that needs more batches to get
            anywhere than `kill_each` would never get there.
    """

    daemon_threads = True

    def __init__(self, upstream: str, *, kill_each: int, most_kills: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.kill_each = kill_each
        self.most_kills = most_kills
        self.victim: int | None = None
        self.killed_at: list[list[str]] = []
        """Of each kill the bodies of the messages that had just been taken."""
        self._batches = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, name="killing-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def kills_after(self, request: bytes) -> bool:
        """Counts a batch; whether its sender has just been killed."""
        with self._lock:
            self._batches += 1
            late = len(self.killed_at) >= self.most_kills
            if late or self._batches % self.kill_each or self.victim is None:
                return False
            victim, self.victim = self.victim, None
            os.kill(victim, signal.SIGKILL)
            entries = json.loads(request)["Entries"]
            self.killed_at.append([entry["MessageBody"] for entry in entries])
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: KillingProxy

    def do_POST(self) -> None:  # the name that http.server calls
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
        connection = http.client.HTTPConnection(self.server.upstream, timeout=30)
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        sent = self.headers.get("X-Amz-Target") == _SEND and answer.status == 200
        if sent and self.server.kills_after(body):
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name in ("Content-Type", "x-amzn-RequestId"):
            if answer.headers.get(name):
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            return  # its client was killed

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the base class
        """Requests are not news."""
