"""moto's server: Kinesis, SNS, SQS and SES over HTTP, all in the memory of one process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import unused_port
from tests.servers.process import answering


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Its URL, the same for every service; what was made in it is gone with it.

    Args:
        folder: Where its log is put.

    Raises:
        RuntimeError: it does not start.
    """
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with answering("moto", argv, f"{url}/moto-api/data.json", folder):
        yield url
