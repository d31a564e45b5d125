"""What an error of the database means to whoever waits for the answer."""

import socket

from asyncpg import exceptions as pg
from sqlalchemy import exc

from app.foundation.errors import Invalid, SpoolError, Unavailable

# SQLSTATE class 28: no such login, or another password.
LOGIN_REFUSED = pg.InvalidAuthorizationSpecificationError
# Gone, not there yet, full, or asked to try again: the same request can succeed in a moment.
_PASSING = (
    pg.PostgresConnectionError,
    pg.OperatorInterventionError,
    pg.InsufficientResourcesError,
    pg.TransactionRollbackError,
    pg.IdleInTransactionSessionTimeoutError,
    LOGIN_REFUSED,
    pg.InterfaceError,
    pg.InternalClientError,
    ConnectionError,
    socket.gaierror,
    TimeoutError,
)


# All that a database which is away, restarting, full or wrongly asked makes SQLAlchemy and the
# driver raise; `is_passing` tells which it was.
DATABASE_ERRORS = (
    exc.DBAPIError,
    exc.TimeoutError,
    pg.PostgresError,
    pg.InterfaceError,
    pg.InternalClientError,
    OSError,
)


def is_passing(error: Exception) -> bool:
    """Whether the database was away or busy, so that the same work can succeed in a moment."""
    if isinstance(error, exc.TimeoutError | OSError):
        return True
    return isinstance(driver_error(error), _PASSING)


def understand(error: Exception) -> SpoolError | None:
    """The error to answer with, None when it is a fault of ours."""
    if isinstance(error, exc.TimeoutError):
        return _away("All connections to the database are busy.")
    cause = driver_error(error)
    # Refused by the server (SQLSTATE class 22), or by the driver before it was sent.
    if isinstance(cause, pg.DataError) or (
        isinstance(cause, pg.InterfaceError) and isinstance(cause, ValueError)
    ):
        return Invalid("validation_failed", "A value cannot be stored: a NUL, or out of range.")
    if isinstance(cause, _PASSING):
        return _away("The database is away or busy.")
    return None


def driver_error(error: BaseException) -> BaseException:
    """The driver's own error inside SQLAlchemy's wrapping of it."""
    seen: BaseException = error
    while isinstance(seen, exc.DBAPIError) or type(seen).__module__.startswith("sqlalchemy"):
        inner = getattr(seen, "orig", None) or seen.__cause__
        if inner is None:
            break
        seen = inner
    return seen


def _away(detail: str) -> Unavailable:
    return Unavailable("unavailable", f"{detail} Try again.", headers={"Retry-After": "1"})
