"""What the accounts' controllers are given beside the transaction."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency, Provide

from app.foundation.passwords import Passwords
from app.foundation.tokens import AccessTokens

Hashing = NamedDependency[Passwords]
Tokens = NamedDependency[AccessTokens]


def provide_passwords(request: Request[Any, Any, Any]) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


def provide_access_tokens(request: Request[Any, Any, Any]) -> AccessTokens:
    tokens: AccessTokens = request.app.state.access_tokens
    return tokens


DEPENDENCIES = {
    "passwords": Provide(provide_passwords, sync_to_thread=False),
    "access_tokens": Provide(provide_access_tokens, sync_to_thread=False),
}
