"""What is counted of uploads."""

from prometheus_client import Counter

VIDEO_UPLOADS = Counter(
    "video_uploads_total",
    "Uploads that have ended, by how they were sent and how they ended.",
    ["method", "outcome"],
)
