"""What each role may do. A key may do what its maker gave it, never more than he could himself."""

from collections.abc import Mapping

from app.accounts.models import Role
from app.foundation.auth import SCOPES

_VIEWER = frozenset({"assets:read", "jobs:read", "members:read"})
_EDITOR = _VIEWER | {"assets:write", "uploads:write", "jobs:write", "playback:write"}

SCOPES_OF: Mapping[Role, frozenset[str]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    # The same scopes; only an owner makes, changes or removes an owner (see members).
    Role.ADMIN: SCOPES,
    Role.OWNER: SCOPES,
}
