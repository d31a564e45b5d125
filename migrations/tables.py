"""All tables, in one metadata: imported so that every model has registered itself."""

import app.accounts.models
import app.assets.models
import app.foundation.http.models
import app.jobs.models
import app.notifications.models
import app.playback.models
import app.renditions.models
import app.uploads.models  # noqa: F401  # imported for its tables, like those above
from app.foundation.db.base import Base

metadata = Base.metadata
