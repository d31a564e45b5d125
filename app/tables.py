"""All tables, in one metadata.

Imported by every process: a foreign key can be followed only when both its tables are known.
"""

import app.accounts.models
import app.assets.models
import app.foundation.http.models
import app.intake.models
import app.jobs.models
import app.notifications.models
import app.playback.models
import app.renditions.models
import app.uploads.models
import app.uploads.tus_models  # noqa: F401  # imported for its tables, like those above
from app.foundation.db.base import Base

metadata = Base.metadata
