"""What an error that no service foresaw means to whoever waits for the answer."""

from app.foundation.db import faults as database
from app.foundation.errors import SpoolError
from app.foundation.http.store_faults import understand_store


def understand(error: Exception) -> SpoolError | None:
    """The error to answer with, None when it is a fault of ours."""
    if isinstance(error, SpoolError):
        return error
    return understand_store(error) or database.understand(error)
