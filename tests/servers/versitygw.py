"""versitygw: a server that speaks S3 over a folder, and checks signatures for real."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import unused_port
from tests.servers.kept import go_tool
from tests.servers.process import answering

VERSION = "v1.8.0"


@dataclass(frozen=True, slots=True)
class ObjectServer:
    """Where it listens, and the folder that has its buckets."""

    host: str
    port: int
    root: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@contextmanager
def versitygw(folder: Path, *, access_key: str, secret_key: str) -> Iterator[ObjectServer]:
    """A server of its own without buckets, until the end of the block.

    Args:
        folder: Empty; on a filesystem with extended attributes.

    Raises:
        RuntimeError: it does not start.
    """
    program = go_tool("versitygw", "github.com/versity/versitygw/cmd/versitygw", VERSION)
    root = folder / "objects"
    root.mkdir()
    server = ObjectServer("127.0.0.1", unused_port(), root)
    argv: list[str | Path] = [program, "--port", f"{server.host}:{server.port}"]
    argv += ["--region", "us-east-1", "--keep-alive", "--quiet", "posix", root]
    credentials = {"ROOT_ACCESS_KEY": access_key, "ROOT_SECRET_KEY": secret_key}
    # Whoever signs nothing is refused, by a server that is there.
    with answering("versitygw", argv, server.url, folder, environment=credentials):
        yield server
