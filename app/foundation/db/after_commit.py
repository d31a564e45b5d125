"""What is to happen only if a transaction goes through: counting, above all."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def after_commit(tx: AsyncSession, act: Callable[[], object]) -> None:
    """Calls `act` once the transaction has gone through; never, if it is rolled back.

    Args:
        act: May not use the transaction, which is over by then.
    """
    done = False

    def once(session: Session) -> None:
        nonlocal done
        # A savepoint that is released has not gone through yet.
        if not done and not session.in_nested_transaction():
            done = True
            act()

    event.listen(tx.sync_session, "after_commit", once)
