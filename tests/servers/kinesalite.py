"""Kinesalite: Kinesis in memory, with shards that end and have children, which moto's do not.

(moto goes on putting records into shards that it has closed.) Installed from npm once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import unused_port
from tests.servers.kept import kept, require, run
from tests.servers.process import answering

_VERSION = "3.3.3"
_OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts")
_SERVE = """
const options = {createStreamMs: 20, deleteStreamMs: 20, updateStreamMs: 20, shardLimit: 100}
require('kinesalite')(options).listen(Number(process.argv[1]), '127.0.0.1')
"""


def _install(folder: Path) -> None:
    require("node", "npm")
    run(folder, "npm", "install", *_OPTIONS, "--prefix", folder, f"kinesalite@{_VERSION}")


@contextmanager
def kinesalite(folder: Path) -> Iterator[str]:
    """Its URL; what was made in it is gone with it.

    Args:
        folder: Where its log is put.

    Raises:
        RuntimeError: it does not start.
    """
    name = f"kinesalite-{_VERSION}"
    home = kept(name, "node_modules/kinesalite/index.js", _install)
    port = unused_port()
    url = f"http://127.0.0.1:{port}"
    modules = {"NODE_PATH": str(home / "node_modules")}
    with answering(name, ["node", "-e", _SERVE, str(port)], url, folder, environment=modules):
        yield url
