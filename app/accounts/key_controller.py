"""API keys."""

from datetime import timedelta

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec.structs import asdict

from app.accounts import api_keys
from app.accounts.models import ApiKey
from app.accounts.schemas import ApiKeyView, CreatedApiKey, KeyRotation, NewApiKey
from app.foundation.auth import requires
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import idempotent
from app.foundation.http.parameters import Cursor, Limit
from app.foundation.http.transaction import Me, Tx
from app.foundation.paging import LIMIT_DEFAULT, Page


class KeyController(Controller):
    path = "/api-keys"
    tags = ("accounts",)

    @get(operation_id="list_api_keys", summary="List API keys", guards=[requires("keys:read")])
    async def list_keys(
        self, tx: Tx, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[ApiKeyView]:
        """List the project's keys, newest first, the revoked ones too. Never shows a key's text."""
        found, following = await api_keys.list_keys(tx, limit=limit, cursor=cursor)
        return Page([ApiKeyView.of(key) for key in found], following)

    @post(
        operation_id="create_api_key",
        summary="Create an API key",
        guards=[requires("keys:write")],
        responses=documented({403: "scope_missing"}),
    )
    @idempotent
    async def create_key(
        self, tx: Tx, principal: Me, data: JSONBody[NewApiKey]
    ) -> Response[CreatedApiKey]:
        """Make a key for a program. Its text is in this answer and nowhere else.

        With an Idempotency-Key the answer is kept for 24 hours, encrypted with the service's own
        key, and repeated to the same project only.
        """
        key, text = await api_keys.create_key(
            tx,
            principal,
            name=data.name,
            scopes=frozenset(data.scopes),
            expires_at=data.expires_at,
        )
        return _once(key, text)

    @post(
        "/{key_id:str}/rotate",
        operation_id="rotate_api_key",
        summary="Rotate an API key",
        guards=[requires("keys:write")],
        responses=documented({403: "scope_missing", 404: "api_key_not_found"}),
    )
    @idempotent
    async def rotate_key(
        self, tx: Tx, principal: Me, key_id: FromPath[str], data: JSONBody[KeyRotation]
    ) -> Response[CreatedApiKey]:
        """Make a key with the same name, scopes and expiry, and end the old one after the overlap.

        Without an overlap the old key stops working within 5 seconds.
        """
        overlap = timedelta(seconds=data.overlap_seconds)
        key, text = await api_keys.rotate_key(tx, principal, key_id, overlap=overlap)
        return _once(key, text)

    @delete(
        "/{key_id:str}",
        operation_id="revoke_api_key",
        summary="Revoke an API key",
        guards=[requires("keys:write")],
        responses=documented({404: "api_key_not_found"}),
    )
    async def revoke_key(self, tx: Tx, key_id: FromPath[str]) -> None:
        """End a key. It stops working within 5 seconds and stays in the list."""
        await api_keys.revoke_key(tx, key_id)


def _once(key: ApiKey, text: str) -> Response[CreatedApiKey]:
    view = CreatedApiKey(**asdict(ApiKeyView.of(key)), key=text)
    return Response(view, headers={"Cache-Control": "no-store"})
