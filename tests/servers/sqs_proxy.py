"""A proxy before SQS that knows what its client asks for, and may not know how to do all of it."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

_SEND = "AmazonSQS.SendMessageBatch"
_KEPT = {"content-type", "x-amz-target", "authorization", "x-amz-date"}
_UNABLE = json.dumps(
    {"__type": "com.amazonaws.sqs#UnsupportedOperation", "message": "The proxy does not do that."}
).encode()


class SqsProxy(ThreadingHTTPServer):
    """Passes on all but `unsupported`, such as `StartMessageMoveTask`."""

    daemon_threads = True

    def __init__(self, upstream: str, *, unsupported: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.unsupported = f"AmazonSQS.{unsupported}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, name="sqs-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def cuts_after(self, _batch: bytes) -> bool:
        """Whether the client is not to hear that the queue has taken a batch of messages."""
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SqsProxy

    def do_POST(self) -> None:  # the name that http.server calls
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target")
        if target == self.server.unsupported:
            self._answer(400, {"Content-Type": "application/x-amz-json-1.0"}, _UNABLE)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
        connection = http.client.HTTPConnection(self.server.upstream, timeout=30)
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if target == _SEND and answer.status == 200 and self.server.cuts_after(body):
            self.close_connection = True
            return
        names = ("Content-Type", "x-amzn-RequestId")
        self._answer(
            answer.status,
            {name: answer.headers[name] for name in names if answer.headers.get(name)},
            content,
        )

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
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
