"""What the actors work with, made once by the composition root."""

from dataclasses import dataclass

from app.foundation.db.database import Database
from app.foundation.storage.protocols import Store
from app.settings import Settings
from workers.finisher import Finisher
from workers.leases import Leases
from workers.pipeline.ffmpeg import Ffmpeg
from workers.pipeline.limits import Limits
from workers.scratch import ScratchSpace


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    database: Database
    store: Store
    ffmpeg: Ffmpeg
    limits: Limits
    scratch: ScratchSpace
    leases: Leases
    finisher: Finisher
    worker: str
