"""The database's URL as asyncpg itself reads it, for connections that are not the pool's."""

from sqlalchemy import URL, make_url


def driver_url(url: str | URL) -> str:
    """`postgresql://…` of SQLAlchemy's `postgresql+asyncpg://…`, with the password in it.

    TLS is `ssl=verify-full` there, an argument of asyncpg's, and `sslmode=verify-full` here. What
    asyncpg does not know in a URL it sends to the server as a setting.
    """
    known = make_url(url)
    query = dict(known.query)
    if "ssl" in query:
        query["sslmode"] = query.pop("ssl")
    return known.set(drivername="postgresql", query=query).render_as_string(hide_password=False)
