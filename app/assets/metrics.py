"""What is measured of assets."""

from prometheus_client import Histogram

TIME_TO_PLAYABLE = Histogram(
    "video_time_to_playable_seconds",
    "Until a video could be played, since its upload began (`created`) or had arrived whole "
    "(`uploaded`).",
    ["since"],
    buckets=(1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 12 * 3600),
)
