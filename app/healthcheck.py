"""`python -m app.healthcheck [api|worker]`: asks the process beside it how it is, for an image.

Ends with status 0 when /health of the API, or of a worker, answers 200; with 1 and a line when not.
"""

import sys
from http.client import HTTPConnection, HTTPException

from app.settings import Settings, load_settings

_SECONDS = 4.0


def trouble(settings: Settings, process: str) -> str | None:
    """What is wrong with a process on this machine; None when it is well.

    Args:
        process: `api` or `worker`.

    Raises:
        ValueError: another name, or a worker that serves no status.
    """
    ports = {"api": settings.port, "worker": settings.worker_metrics_port}
    port = ports.get(process)
    if port is None:
        raise ValueError(f"{process} is no process with a port: api, worker")
    # It listens on all addresses, or on the one that is set; a wildcard cannot be connected to.
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  # read, not bound
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return None if answer.status == 200 else f"{answer.status} {answer.read(200)!r}"
    except (OSError, HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    found = trouble(load_settings(), arguments[0] if arguments else "api")
    if found:
        sys.stderr.write(f"{found}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
