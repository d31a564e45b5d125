"""TCP ports of this machine."""

import errno
import socket

_TRIED = 100


class NoFreePort(Exception):
    """Nothing to listen on near the port that was asked for."""


def free_port(host: str, first: int) -> int:
    """The first port from `first` on that nobody listens on; any free one for 0.

    Raises:
        NoFreePort: a hundred in a row are taken, or the address is none of this machine's.
    """
    for port in range(first, min(first + _TRIED, 65536)) if first else (0,):
        with socket.socket() as probe:
            # As servers do it, so that a port whose last connections linger counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                    continue
                raise NoFreePort(f"cannot listen on {host}: {error.strerror}") from error
            bound: int = probe.getsockname()[1]
            return bound
    raise NoFreePort(f"all ports from {first} on are taken; choose another with --port")
