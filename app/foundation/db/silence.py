"""Sessions of frozen processes, which the server's own time-outs do not see.

`idle_in_transaction_session_timeout` counts from the end of a statement. asyncpg prepares a
statement and then binds it, and a process that freezes between the two leaves a session that is
`active`, waits for its client, and keeps its locks for as long as that takes.
"""

from datetime import timedelta

from sqlalchemy import Interval, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.foundation.db.database import Database

# What the login may see and end are its own sessions. A COPY waits for its client by nature.
_SILENT = """
    FROM pg_stat_activity
    WHERE usename = session_user AND datname = current_database() AND pid <> pg_backend_pid()
      AND application_name LIKE 'spool-%'
      AND state = 'active' AND wait_event = 'ClientRead' AND query NOT ILIKE 'COPY%'
      AND state_change < clock_timestamp() - CASE application_name
          WHEN current_setting('application_name') THEN :ours ELSE :others END
"""
_TIMES = (bindparam("ours", type_=Interval), bindparam("others", type_=Interval))
_SEEN = "pid || ' ' || state_change"
_LOOK = text(f"SELECT {_SEEN} {_SILENT}").bindparams(*_TIMES)  # of constants
_END = text(
    f"SELECT count(pg_terminate_backend(pid)) {_SILENT} AND {_SEEN} = ANY(:seen)"  # of constants
).bindparams(*_TIMES, bindparam("seen", type_=ARRAY(Text)))
_OTHERS = timedelta(seconds=30)


async def end_silent_sessions(database: Database, *, after: timedelta) -> int:
    """Ends sessions whose client has stopped within a statement; says how many those were.

    Args:
        after: The silence that is too long for processes of this kind; others have 30 s.
    """
    times = {"ours": after, "others": max(after, _OTHERS)}
    async with database.connection() as connection:
        seen = (await connection.scalars(_LOOK, times)).all()
    if not seen:
        return 0
    # Seen twice in one state: the columns of a row are not read at one moment, and a session that
    # has just ended a long statement may look like this once. A transaction sees its first look
    # only, so this is another one.
    async with database.connection() as connection:
        ended: int = await connection.scalar(_END, times | {"seen": list(seen)})
        return ended
