"""What is counted of data streams and buckets. A shard's labels go when its lease does."""

from prometheus_client import Counter, Gauge

RECORDS = Counter(
    "spool_stream_records",
    "Records read from the data stream: taken, duplicate, broken, or late (their stream is over).",
    ["outcome"],
)
BYTES = Counter("spool_stream_bytes", "Bytes of video in records that were taken.")
STREAMS = Counter("spool_streams", "Streams that ended, by how.", ["outcome"])
GAPS = Counter("spool_stream_gaps", "Streams that failed because a record is missing.")
BEHIND = Gauge(
    "spool_stream_behind_seconds", "Age of the newest record that is not read.", ["shard"]
)
LEASES = Gauge("spool_stream_leases", "Shards that this process reads.")
THROTTLED = Counter("spool_stream_throttled", "Reads that Kinesis put off.")
ARRIVALS = Counter(
    "spool_bucket_objects", "Objects that were announced, by what became of them.", ["outcome"]
)
