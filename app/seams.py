"""Which side of each seam this deployment is on: chosen from the settings, here alone."""

from app.foundation.signing import UrlSigner
from app.foundation.storage.folder import FolderStore
from app.settings import Settings

STORE_PATH = "/_store"


def make_signer(settings: Settings) -> UrlSigner:
    return UrlSigner(settings.signing_secrets, settings.signing_key_id)


def make_store(settings: Settings) -> FolderStore:
    """The object store; the API serves it below STORE_PATH."""
    if settings.store_root is None:
        raise ValueError("SPOOL_STORE=folder needs SPOOL_STORE_ROOT")
    return FolderStore(
        settings.store_root, make_signer(settings), f"{settings.public_url}{STORE_PATH}"
    )
