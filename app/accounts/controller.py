"""Register, sign in, refresh, sign out.

Hashing a password takes long, so no transaction is open meanwhile: a flood of sign-ins waits for
the hasher and holds no connection that others need.
"""

from datetime import timedelta
from functools import partial

from litestar import Controller, Response, post
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import service, sessions
from app.accounts.dependencies import DEPENDENCIES, Hashing, Tokens
from app.accounts.schemas import (
    ProjectView,
    Refresh,
    Registration,
    SessionView,
    SignIn,
    SignOut,
    UserView,
)
from app.accounts.sessions import Session
from app.foundation.errors import Unauthenticated
from app.foundation.http.body import JsonRequest
from app.foundation.http.documentation import documented
from app.foundation.http.idempotency import IdempotencyKey, answer_once
from app.foundation.http.transaction import Config, Db
from app.foundation.tokens import AccessTokens
from app.settings import Settings


class AuthController(Controller):
    path = "/auth"
    tags = ("accounts",)
    dependencies = DEPENDENCIES

    @post(
        "/register",
        operation_id="register",
        summary="Register",
        responses=documented({409: "email_taken"}),
    )
    async def register(
        self,
        request: JsonRequest,
        database: Db,
        passwords: Hashing,
        access_tokens: Tokens,
        settings: Config,
        data: JSONBody[Registration],
        idempotency_key: IdempotencyKey = None,
    ) -> Response[SessionView]:
        """Make an account with an organisation and a first project, and sign in to it.

        An Idempotency-Key counts together with the body here, since nobody is signed in yet whose
        keys could be told apart.
        """
        service.check_password(data.password, data.email)
        hashed = await passwords.hash(data.password)
        async with database.gate() as gate:
            work = partial(_register, gate, hashed, data, access_tokens, settings)
            if idempotency_key is None:
                return await work()
            owner = f"register {data.email.lower()}"
            return await answer_once(gate, request, owner, idempotency_key, work)

    @post(
        "/sign-in",
        operation_id="sign_in",
        summary="Sign in",
        status_code=200,
        responses=documented({401: "credentials_invalid", 403: "project_not_found"}),
    )
    async def sign_in(
        self,
        database: Db,
        passwords: Hashing,
        access_tokens: Tokens,
        settings: Config,
        data: JSONBody[SignIn],
    ) -> Response[SessionView]:
        """Get tokens for e-mail address and password.

        They are for the named project, or for the first one. An Idempotency-Key is ignored: each
        sign-in is a session of its own.
        """
        async with database.gate() as gate:
            user = await service.find_user(gate, data.email)
        stored = user.password_hash if user is not None else None
        if not await passwords.verify(stored, data.password) or user is None or stored is None:
            raise Unauthenticated(
                "credentials_invalid", "The e-mail address or the password is wrong."
            )
        fresh = await passwords.hash(data.password) if passwords.outdated(stored) else None
        async with database.gate() as gate:
            if fresh is not None:
                await service.store_password_hash(gate, user.id, fresh)
            session = await sessions.open_session(
                gate, user, lifetime=_refresh_lifetime(settings), project_id=data.project_id
            )
        return _answer(session, access_tokens)

    @post(
        "/refresh",
        operation_id="refresh",
        summary="Refresh",
        status_code=200,
        responses=documented({401: "credentials_invalid", 403: "project_not_found"}),
    )
    async def refresh(
        self, database: Db, access_tokens: Tokens, settings: Config, data: JSONBody[Refresh]
    ) -> Response[SessionView]:
        """Get new tokens for a refresh token, also to change to another project.

        The refresh token is replaced too. One that is used again more than 10 s later has been
        copied: all tokens that came from the same sign-in end. An Idempotency-Key is ignored.
        """
        async with database.gate() as gate:
            session = await sessions.refresh(
                gate,
                data.refresh_token,
                lifetime=_refresh_lifetime(settings),
                project_id=data.project_id,
            )
        if session is None:
            raise Unauthenticated(
                "credentials_invalid", "The refresh token is not valid. Sign in again."
            )
        return _answer(session, access_tokens)

    @post("/sign-out", operation_id="sign_out", summary="Sign out", status_code=204)
    async def sign_out(self, database: Db, data: JSONBody[SignOut]) -> None:
        """End the session of a refresh token, in all its tabs.

        Access tokens need no database, so they stay valid until they expire, which is soon. The
        answer is the same for a token that had ended already.
        """
        async with database.gate() as gate:
            await sessions.sign_out(gate, data.refresh_token)


async def _register(
    gate: AsyncSession,
    hashed: str,
    data: Registration,
    access_tokens: AccessTokens,
    settings: Settings,
) -> Response[SessionView]:
    user = await service.register(
        gate,
        email=data.email,
        name=data.name,
        password_hash=hashed,
        organisation=data.organisation or data.name,
        project=data.project,
    )
    session = await sessions.open_session(gate, user, lifetime=_refresh_lifetime(settings))
    return _answer(session, access_tokens, status_code=201)


def _answer(
    session: Session, access_tokens: AccessTokens, *, status_code: int = 200
) -> Response[SessionView]:
    view = SessionView(
        access_token=access_tokens.issue(
            user_id=session.user.id, project_id=session.project.id, role=session.role
        ),
        expires_in=int(access_tokens.lifetime.total_seconds()),
        refresh_token=session.refresh_token,
        user=UserView.of(session.user),
        project=ProjectView.of(session.project),
        role=session.role,
    )
    return Response(view, status_code=status_code, headers={"Cache-Control": "no-store"})


def _refresh_lifetime(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.refresh_token_seconds)
