"""outage_since: from when on a task has waited for what all work stands on"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tasks",
        sa.Column(
            "outage_since",
            sa.DateTime(timezone=True),
            comment="From when on all attempts failed because the object store was away.",
        ),
    )


def downgrade() -> None:
    op.drop_column("tasks", "outage_since")
