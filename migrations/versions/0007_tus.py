"""tus: how far an upload is that arrives by offsets, and uploads that are a piece of a video"""

import sqlalchemy as sa
from alembic import op

from migrations.security import all_rows, as_owner, own_rows_only

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE = "parts or simple"
_SINCE = "parts, simple or tus"


def upgrade() -> None:
    op.alter_column(
        "uploads",
        "asset_id",
        existing_type=sa.Text(collation="C"),
        nullable=True,
        comment="Null: a partial upload, a piece of another one.",
    )
    op.alter_column(
        "uploads", "method", existing_type=sa.Text(), existing_comment=_BEFORE, comment=_SINCE
    )
    op.create_table(
        "tus_uploads",
        sa.Column("upload_id", sa.Text(collation="C"), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True, comment="Null: not said yet."),
        sa.Column(
            "received",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="The offset: so many bytes are durable.",
        ),
        sa.Column(
            "part_etags",
            sa.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="Of the parts that hold whole part_bytes, or end.",
        ),
        sa.Column(
            "tail_key",
            sa.Text(),
            nullable=True,
            comment="Object with the bytes between the last whole part and the offset.",
        ),
        sa.Column(
            "metadata_header", sa.Text(), nullable=False, comment="Upload-Metadata as it was sent."
        ),
        sa.Column("concat", sa.Text(), nullable=True, comment="partial or final"),
        sa.Column(
            "concat_header", sa.Text(), nullable=True, comment="Upload-Concat as it was sent."
        ),
        sa.Column(
            "partial_ids",
            sa.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="Of a final upload: what it is joined from.",
        ),
        sa.Column(
            "final_id",
            sa.Text(collation="C"),
            nullable=True,
            comment="Of a partial upload: the final one that it went into.",
        ),
        sa.Column(
            "fence",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Number of the PATCH that may write.",
        ),
        sa.Column(
            "lease_until",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Until when that PATCH is taken to be alive.",
        ),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_tus_uploads_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["uploads.id"],
            name=op.f("fk_tus_uploads_upload_id_uploads"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_tus_uploads")),
    )
    op.create_index("ix_tus_uploads_final_id", "tus_uploads", ["final_id"])
    own_rows_only("tus_uploads")
    # The sweep asks which pieces somebody may still join.
    all_rows("tus_uploads", "spool_dispatch", "SELECT (upload_id, final_id)")


def downgrade() -> None:
    op.drop_table("tus_uploads")
    as_owner("uploads", "DELETE FROM uploads WHERE asset_id IS NULL")
    op.alter_column(
        "uploads", "method", existing_type=sa.Text(), existing_comment=_SINCE, comment=_BEFORE
    )
    op.alter_column(
        "uploads",
        "asset_id",
        existing_type=sa.Text(collation="C"),
        nullable=False,
        existing_comment="Null: a partial upload, a piece of another one.",
        comment=None,
    )
