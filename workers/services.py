"""What the actors work with, made once by the composition root."""

from dataclasses import dataclass

from app.foundation.storage.folder import FolderStore

from app.foundation.db.database import Database
from app.settings import Settings
from workers.leases import Leases
from workers.pipeline.ffmpeg import Ffmpeg


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    database: Database
    store: FolderStore
    ffmpeg: Ffmpeg
    leases: Leases
    worker: str
