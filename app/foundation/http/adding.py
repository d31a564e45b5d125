"""Headers that every answer of some routes has, errors among them."""

from collections.abc import Callable, Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send


def adding(headers: Mapping[str, str]) -> Callable[[ASGIApp], ASGIApp]:
    """Middleware that sets them."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_more(message: Message) -> None:
                if message["type"] == "http.response.start":
                    sent = MutableScopeHeaders.from_message(message)
                    for name, value in headers.items():
                        sent[name] = value
                await send(message)

            await app(scope, receive, send_more)

        return answer

    return middleware
