"""What is counted of uploads."""

from prometheus_client import Counter

VIDEO_UPLOADS = Counter(
    "video_uploads", "Videos whose last byte has arrived.", ["method"]
)  # scraped as video_uploads_total
