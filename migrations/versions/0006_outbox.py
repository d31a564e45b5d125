"""outbox, and who is sent mail"""

import sqlalchemy as sa
from alembic import op

from migrations.security import all_rows, own_rows_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPEN = "done_at IS NULL AND dead_at IS NULL"
# What relays need to know and to write. Why something failed may hold an address, and is written
# by them but read by the project's own role only.
_RELAY_READS = (
    "event_id, project_id, channel, target, asset_id, origin, correlation_id, traceparent, "
    "attempts, next_at, created_at, done_at, dead_at"
)
_RELAY_WRITES = "attempts, next_at, last_error, done_at, dead_at"


def upgrade() -> None:
    op.add_column("members", sa.Column("mail", sa.Text(), server_default="own", nullable=False))
    op.add_column(
        "assets",
        sa.Column(
            "created_by",
            sa.Text(collation="C"),
            nullable=True,
            comment="Id of the person who uploaded it, who may be gone; none where a program did.",
        ),
    )
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column(
            "target",
            sa.Text(collation="C"),
            nullable=False,
            comment="Whose: a user's id for mail; empty where a channel leads to one place.",
        ),
        sa.Column("asset_id", sa.Text(collation="C"), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_outbox_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_outbox_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "channel", "target", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_channel_next_at_open",
        "outbox",
        ["channel", "next_at"],
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_outbox_asset_id_channel_target_event_id_open",
        "outbox",
        ["asset_id", "channel", "target", "event_id"],
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_outbox_done_at", "outbox", ["done_at"], postgresql_where="done_at IS NOT NULL"
    )
    own_rows_only("outbox")
    all_rows(
        "outbox", "spool_dispatch", f"SELECT ({_RELAY_READS}), UPDATE ({_RELAY_WRITES}), DELETE"
    )


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_column("assets", "created_by")
    op.drop_column("members", "mail")
