"""rung_at: which ready tasks a message has left for"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tasks",
        sa.Column(
            "rung_at",
            sa.DateTime(timezone=True),
            comment="When a queue took the message for this ready task; empty: none has yet.",
        ),
    )
    op.create_index(
        "ix_tasks_unrung",
        "tasks",
        [sa.text("priority DESC"), "id"],
        postgresql_where="state = 'ready' AND rung_at IS NULL",
    )
    op.execute("GRANT SELECT (rung_at), UPDATE (rung_at) ON tasks TO spool_dispatch")


def downgrade() -> None:
    op.execute("REVOKE SELECT (rung_at), UPDATE (rung_at) ON tasks FROM spool_dispatch")
    op.drop_index("ix_tasks_unrung", table_name="tasks")
    op.drop_column("tasks", "rung_at")
