"""Scripts, styles and pictures of our own pages, and what npm brought for them."""

from pathlib import Path

from litestar import Router
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

STATIC = Path(__file__).parents[2] / "static"


def static_router() -> Router:
    """Everything in app/static under /static."""
    return create_static_files_router(
        "/static",
        [STATIC],
        # Short, because the names do not change with what is behind them.
        cache_control=CacheControlHeader(public=True, max_age=300),
    )
