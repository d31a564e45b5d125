"""intake: how far data streams were read, and which objects of a bucket were taken"""

import sqlalchemy as sa
from alembic import op

from migrations.security import own_rows_only

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = ("stream_shards", "ingest_streams", "stream_chunks", "arrivals")
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "stream_shards",
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_group", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("shard_id", sa.Text(), nullable=False),
        sa.Column(
            "parents",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="Shards that are read to their end before this one.",
        ),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", time, nullable=True),
        sa.Column(
            "checkpoint",
            sa.Text(),
            nullable=True,
            comment="Sequence number of Kinesis up to which all is durable.",
        ),
        sa.Column(
            "finished_at", time, nullable=True, comment="A closed shard was read to its end."
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_stream_shards_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "project_id",
            "consumer_group",
            "stream",
            "shard_id",
            name=op.f("pk_stream_shards"),
        ),
    )
    op.create_table(
        "ingest_streams",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_group", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False, comment="The Kinesis data stream."),
        sa.Column(
            "stream_id",
            sa.Text(),
            nullable=False,
            comment="The producer's name: partition key.",
        ),
        sa.Column("upload_id", sa.Text(collation="C"), nullable=True, comment="None: never begun."),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "next_seq",
            sa.BigInteger(),
            nullable=False,
            comment="Records before this one are durable.",
        ),
        sa.Column(
            "size_bytes", sa.BigInteger(), nullable=False, comment="In parts and chunks together."
        ),
        sa.Column("parts", sa.Integer(), nullable=False, comment="Stored in the multipart upload."),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", time, server_default=_NOW, nullable=False),
        sa.Column("updated_at", time, server_default=_NOW, nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_ingest_streams_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_ingest_streams_upload_id_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingest_streams")),
    )
    op.create_index("ix_ingest_streams_upload_id", "ingest_streams", ["upload_id"])
    op.create_index(
        "uq_ingest_streams_stream_id",
        "ingest_streams",
        ["project_id", "consumer_group", "stream", "stream_id"],
        unique=True,
    )
    op.create_table(
        "stream_chunks",
        sa.Column("ingest_stream_id", sa.Text(collation="C"), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingest_stream_id"],
            ["ingest_streams.id"],
            name=op.f("fk_stream_chunks_ingest_stream_id_ingest_streams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_stream_chunks_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ingest_stream_id", "offset", name=op.f("pk_stream_chunks")),
    )
    op.create_table(
        "arrivals",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=True),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "version",
            sa.Text(),
            nullable=False,
            comment="Version id, sequencer or ETag: what tells one object from the next.",
        ),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text(collation="C"), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", time, nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("created_at", time, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_arrivals_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_arrivals_upload_id_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrivals")),
    )
    op.create_index("ix_arrivals_upload_id", "arrivals", ["upload_id"])
    op.create_index(
        "uq_arrivals_bucket_key_version", "arrivals", ["bucket", "key", "version"], unique=True
    )
    for table in _TABLES:
        own_rows_only(table)
    # An object may name a project that does not exist: such a row is nobody's.
    op.execute(
        "CREATE POLICY spool_dispatch_rows ON arrivals TO spool_dispatch "
        "USING (project_id IS NULL) WITH CHECK (project_id IS NULL)"
    )
    op.execute("GRANT SELECT, INSERT ON arrivals TO spool_dispatch")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
