"""assets"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "assets",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="The ETag."),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("source_bytes", sa.BigInteger(), nullable=True),
        sa.Column("source_sha256", sa.Text(), nullable=True),
        sa.Column(
            "media_prefix",
            sa.Text(),
            nullable=True,
            comment="Under it lies what was published; set by the publishing transaction.",
        ),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column(
            "verdict",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What the probe found: tracks, and notes on what is unusual.",
        ),
        sa.Column(
            "title_order",
            sa.Text(),
            sa.Computed("lower(title)", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "duration_order",
            sa.BigInteger(),
            sa.Computed("COALESCE(duration_ms, '-1'::integer)", persisted=True),
            nullable=False,
            comment="An unknown duration sorts before all others.",
        ),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "deadline_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When this state is overdue; none in final states.",
        ),
        sa.Column("playable_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_assets_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_index(
        "ix_assets_deadline_at_open",
        "assets",
        ["deadline_at"],
        unique=False,
        postgresql_where="deadline_at IS NOT NULL",
    )
    op.create_index(
        "ix_assets_project_id_created_at_id", "assets", ["project_id", "created_at", "id"]
    )
    op.create_index(
        "ix_assets_project_id_duration_order_id", "assets", ["project_id", "duration_order", "id"]
    )
    op.create_index(
        "ix_assets_project_id_state_created_at_id",
        "assets",
        ["project_id", "state", "created_at", "id"],
    )
    op.create_index(
        "ix_assets_project_id_title_order_id", "assets", ["project_id", "title_order", "id"]
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("asset_id", sa.Text(collation="C"), nullable=True),
        sa.Column("type", sa.Text(), nullable=False, comment="noun.verb, e.g. asset.ready"),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_events_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_asset_id_id", "events", ["asset_id", "id"], unique=False)
    op.create_index("ix_events_project_id_id", "events", ["project_id", "id"], unique=False)
    op.create_table(
        "images",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("asset_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="poster, storyboard or storyboard_index"
        ),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("time_ms", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_images_asset_id_assets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_images_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
    )
    op.create_index("ix_images_asset_id", "images", ["asset_id"], unique=False)
    op.create_table(
        "playback_ids",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("asset_id", sa.Text(collation="C"), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"],
            ["assets.id"],
            name=op.f("fk_playback_ids_asset_id_assets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_playback_ids_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playback_ids")),
    )
    op.create_index("ix_playback_ids_asset_id", "playback_ids", ["asset_id"], unique=False)
    op.create_table(
        "renditions",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("asset_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "name", sa.Text(), nullable=False, comment="Its folder under the asset's media prefix."
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="video or audio"),
        sa.Column("codecs", sa.Text(), nullable=False, comment="RFC 6381"),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("frame_rate", sa.Double(), nullable=True),
        sa.Column("bandwidth", sa.Integer(), nullable=False, comment="Peak, bits per second."),
        sa.Column("average_bandwidth", sa.Integer(), nullable=False),
        sa.Column("segment_count", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "copied", sa.Boolean(), nullable=False, comment="Remuxed from the source, not encoded."
        ),
        sa.Column("conformance", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"],
            ["assets.id"],
            name=op.f("fk_renditions_asset_id_assets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_renditions_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renditions")),
    )
    op.create_index("uq_renditions_asset_id_name", "renditions", ["asset_id", "name"], unique=True)
    op.create_table(
        "uploads",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("asset_id", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False, comment="parts or simple"),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column(
            "size_bytes", sa.BigInteger(), nullable=False, comment="As announced; as found, later."
        ),
        sa.Column("part_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True, comment="Announced by the client, hex."),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("store_upload_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_uploads_asset_id_assets"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_uploads_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("asset_id", name=op.f("uq_uploads_asset_id")),
    )
    op.create_index(
        "ix_uploads_deadline_at_open",
        "uploads",
        ["deadline_at"],
        unique=False,
        postgresql_where="state IN ('waiting', 'uploading', 'verifying')",
    )
    op.create_index("ix_uploads_project_id_id", "uploads", ["project_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_uploads_project_id_id", table_name="uploads")
    op.drop_index(
        "ix_uploads_deadline_at_open",
        table_name="uploads",
        postgresql_where="state IN ('waiting', 'uploading', 'verifying')",
    )
    op.drop_table("uploads")
    op.drop_index("uq_renditions_asset_id_name", table_name="renditions")
    op.drop_table("renditions")
    op.drop_index("ix_playback_ids_asset_id", table_name="playback_ids")
    op.drop_table("playback_ids")
    op.drop_index("ix_images_asset_id", table_name="images")
    op.drop_table("images")
    op.drop_index("ix_events_project_id_id", table_name="events")
    op.drop_index("ix_events_asset_id_id", table_name="events")
    op.drop_table("events")
    op.drop_index("ix_assets_project_id_title_order_id", table_name="assets")
    op.drop_index("ix_assets_project_id_state_created_at_id", table_name="assets")
    op.drop_index("ix_assets_project_id_duration_order_id", table_name="assets")
    op.drop_index("ix_assets_project_id_created_at_id", table_name="assets")
    op.drop_index(
        "ix_assets_deadline_at_open",
        table_name="assets",
        postgresql_where="deadline_at IS NOT NULL",
    )
    op.drop_table("assets")
