"""Logins of the database, as the function that changes passwords makes and changes them."""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pg8000.exceptions
import pg8000.native
from scramp import ScramMechanism

_SECONDS = 10
_MEMBERSHIPS = """
    SELECT role.rolname FROM pg_auth_members AS membership
    JOIN pg_roles AS role ON role.oid = membership.roleid
    JOIN pg_roles AS member ON member.oid = membership.member
    WHERE member.rolname = :login
"""


@dataclass(frozen=True)
class Credentials:
    """What a secret holds, as JSON."""

    username: str
    password: str

    @classmethod
    def of(cls, text: str) -> Self:
        fields = json.loads(text)
        return cls(fields["username"], fields["password"])

    def text(self) -> str:
        return json.dumps({"username": self.username, "password": self.password})


@dataclass(frozen=True)
class Server:
    """Where the database is.

    Args:
        authority: Roots that its certificate must lead to.
    """

    host: str
    port: int
    database: str
    authority: Path

    @contextmanager
    def connection(self, login: Credentials) -> Iterator[pg8000.native.Connection]:
        """Over TLS, to the host of that name and no other.

        Raises:
            pg8000.exceptions.Error: the server is away, or lets the login not in.
        """
        connection = pg8000.native.Connection(
            login.username,
            password=login.password,
            host=self.host,
            port=self.port,
            database=self.database,
            timeout=_SECONDS,
            ssl_context=ssl.create_default_context(cafile=str(self.authority)),
        )
        try:
            yield connection
        finally:
            connection.close()

    def lets_in(self, login: Credentials) -> bool:
        """Whether the password is the login's.

        Raises:
            pg8000.exceptions.Error: the server is away.
        """
        try:
            with self.connection(login):
                return True
        except pg8000.exceptions.DatabaseError:
            return False


def set_own_password(connection: pg8000.native.Connection, login: Credentials) -> None:
    """Of the login that is connected."""
    connection.run(f"ALTER ROLE {_name(login)} PASSWORD '{_verifier(login.password)}'")


def set_twin(connection: pg8000.native.Connection, login: Credentials, like: str) -> None:
    """Makes `login` or changes its password, and lets it take the roles that `like` may take."""
    known = connection.run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=login.username)
    verb = "ALTER" if known else "CREATE"
    connection.run(
        f"{verb} ROLE {_name(login)} LOGIN NOINHERIT PASSWORD '{_verifier(login.password)}'"
    )
    roles: list[list[Any]] = connection.run(_MEMBERSHIPS, login=like) or []
    for (role,) in roles:
        connection.run(f"GRANT {pg8000.native.identifier(role)} TO {_name(login)}")


def _name(login: Credentials) -> str:
    return str(pg8000.native.identifier(login.username))


def _verifier(password: str) -> str:
    """What PostgreSQL keeps of a password (RFC 5803): no log sees the password itself."""
    salt, stored, server, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(password)
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(part: bytes) -> str:
    return base64.b64encode(part).decode()
