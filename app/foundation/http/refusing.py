"""uvicorn's HTTP/1.1, which refuses what is too much before the application hears of it.

The application's own refusal (`admission`) costs a task and what uvicorn keeps for an answer. For
four of five requests that is too much: at five times its peak a server would spend on refusals
what it has for answers.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.foundation.http.admission import Admission

# In place of an answer under way: what is still to come of its request's body is dropped.
_ANSWERED: Any = SimpleNamespace(response_complete=True, message_event=asyncio.Event())


def refusing_protocol(admission: Admission) -> type[HttpToolsProtocol]:
    """The protocol, for `uvicorn.run(http=…)`."""

    class Refusing(HttpToolsProtocol):
        def on_headers_complete(self) -> None:
            # For the rest: uvicorn knows how to answer HEAD, how to wait for the request before
            # or for a client that does not read, and when to end a connection.
            ordinary = (
                admission.full
                and getattr(self.cycle, "response_complete", True)  # None before the first one
                and not self.flow.write_paused
                and self.parser.get_http_version() == "1.1"
                and self.parser.should_keep_alive()
                and not self.parser.should_upgrade()
                and self.parser.get_method() != b"HEAD"
            )
            answer = None
            if ordinary:
                path = self.url.partition(b"?")[0].decode("latin-1")
                answer = admission.refuse_early(path, self.headers)
            if answer is None:
                super().on_headers_complete()
                return
            self.cycle = _ANSWERED
            self.transport.write(answer)
            self.on_response_complete()

    return Refusing
