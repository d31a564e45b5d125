"""moto's server with what this program meets and moto gets wrong; the tool's own patches first.

python moto_server.py FOLDER_OF_THE_TOOL PORT FILE
"""

import importlib
import json
import runpy
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import moto.server
from moto.core.base_backend import BackendDict

_main = moto.server.main


def _start(argv: list[str] | None = None) -> None:
    """The tool has patched by now, and ours are over its own."""
    importlib.import_module("tests.infra.real_aws.moto_patches")
    _main(argv)


def _held() -> dict[str, list[str]]:
    """The keys of all that every service keeps, by service, region and collection."""
    held: dict[str, list[str]] = {}
    for backends in list(BackendDict._instances):  # type: ignore[misc]  # of any service
        for _, region, backend in backends.iter_backends():
            for name, value in vars(backend).items():
                if isinstance(value, Mapping):
                    held[f"{backends.service_name} {region} {name}"] = sorted(map(str, value))
    return held


def _tell(file: Path) -> None:
    whole = file.with_suffix(".part")
    whole.write_text(json.dumps(_held()))
    whole.replace(file)


if __name__ == "__main__":
    tool, port, told = sys.argv[1:]
    signal.signal(signal.SIGUSR1, lambda *_: _tell(Path(told)))
    moto.server.main = _start
    sys.argv = ["moto_server", "-H", "127.0.0.1", "-p", port]
    runpy.run_path(f"{tool}/moto_patched.py", run_name="__main__")
