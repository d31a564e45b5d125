"""People who use the API in tests."""

from dataclasses import dataclass, field
from typing import Any

import httpx

PASSWORD = "three words and more"


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in."""

    session: dict[str, Any]
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "headers", {"Authorization": f"Bearer {self.session['access_token']}"}
        )

    @property
    def id(self) -> str:
        return str(self.session["user"]["id"])

    @property
    def project_id(self) -> str:
        return str(self.session["project"]["id"])


async def register(client: httpx.AsyncClient, email: str) -> Person:
    answer = await client.post(
        "/v1/auth/register", json={"email": email, "password": PASSWORD, "name": email}
    )
    assert answer.status_code == 201, answer.text
    return Person(answer.json())


async def sign_in(client: httpx.AsyncClient, email: str, project_id: str | None = None) -> Person:
    answer = await client.post(
        "/v1/auth/sign-in",
        json={"email": email, "password": PASSWORD, "project_id": project_id},
    )
    assert answer.status_code == 200, answer.text
    return Person(answer.json())


async def make_key(client: httpx.AsyncClient, maker: Person, *scopes: str) -> dict[str, Any]:
    answer = await client.post(
        "/v1/api-keys", json={"name": "test", "scopes": list(scopes)}, headers=maker.headers
    )
    assert answer.status_code == 201, answer.text
    key: dict[str, Any] = answer.json()
    return key
