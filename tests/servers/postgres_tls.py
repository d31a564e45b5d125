"""A PostgreSQL that takes TLS only, in front of one that has none, as RDS does with force_ssl."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


@asynccontextmanager
async def tls_only(port: int, certificate: ssl.SSLContext) -> AsyncIterator[int]:
    """The port on 127.0.0.1 of a server that speaks as the one at `port` does, within TLS.

    Who begins without is hung up on.
    """
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        tasks.add(current)
        current.add_done_callback(tasks.discard)
        behind: asyncio.StreamWriter | None = None
        try:
            if await reader.readexactly(len(_SSL_REQUEST)) != _SSL_REQUEST:
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(certificate)
            answers, behind = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass(reader, behind))
                group.create_task(_pass(answers, writer))
        except (OSError, EOFError):
            pass  # A client that does not like the certificate leaves within the handshake.
        finally:
            for each in (writer, behind):
                if each is not None:
                    each.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
