"""The object store on one machine: a folder, served by the API under signed URLs."""

from pathlib import Path

from app.foundation.clock import Clock, utc_now
from app.foundation.signing import UrlSigner
from app.foundation.storage.folder_multipart import FolderMultipart
from app.foundation.storage.folder_urls import FolderUrls
from app.foundation.storage.observed import observed


@observed("folder")
class FolderStore(FolderMultipart, FolderUrls):
    """Implements ObjectStore, MultipartStore, SignedUrls and LocalFiles.

    Any number of processes may use one folder at once. Nothing that was acknowledged is lost by
    killing one, or by a power cut.

    Args:
        root: Folder of the store; made when missing.
        signer: Signs the URLs.
        base_url: Where the routes that call `served` are mounted; see `folder_urls`.
    """

    def __init__(
        self, root: Path, signer: UrlSigner, base_url: str, *, clock: Clock = utc_now
    ) -> None:
        FolderMultipart.__init__(self, root)
        FolderUrls.__init__(self, signer, base_url, clock)

    def close(self) -> None:
        """Does nothing: every call closes what it opened."""
