"""upload trace: the trace that an upload began is the trace of its video"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "uploads",
        sa.Column(
            "traceparent",
            sa.Text(),
            nullable=True,
            comment="Of the request that began it, W3C Trace Context.",
        ),
    )


def downgrade() -> None:
    op.drop_column("uploads", "traceparent")
