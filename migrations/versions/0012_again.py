"""again: what was given up and what was refused is listed, and objects are taken once more"""

import sqlalchemy as sa
from alembic import op

from migrations.security import all_rows, as_owner

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SEES = "id, project_id, state, lease_until"
_WRITES = "state, upload_id, lease_until, error_code, error_message"


def upgrade() -> None:
    op.add_column(
        "arrivals",
        sa.Column(
            "version_id",
            sa.Text(),
            comment="To read it by; none where the bucket keeps no versions.",
        ),
    )
    op.create_index("ix_arrivals_taking", "arrivals", ["id"], postgresql_where="state = 'taking'")
    for table in ("arrivals", "ingest_streams"):
        op.create_index(f"ix_{table}_project_id_id", table, ["project_id", "id"])
    op.create_index(
        "ix_outbox_dead",
        "outbox",
        ["project_id", "event_id"],
        postgresql_where="dead_at IS NOT NULL",
    )
    # An object of no project has no row any more: its message becomes a dead letter.
    op.execute("DROP POLICY spool_dispatch_rows ON arrivals")
    op.execute("REVOKE SELECT, INSERT ON arrivals FROM spool_dispatch")
    as_owner("arrivals", "DELETE FROM arrivals WHERE project_id IS NULL")
    op.alter_column("arrivals", "project_id", existing_type=sa.Text(collation="C"), nullable=False)
    op.alter_column("arrivals", "size_bytes", existing_type=sa.BigInteger(), nullable=False)
    all_rows("arrivals", "spool_dispatch", f"SELECT ({_SEES}), UPDATE ({_WRITES})")


def downgrade() -> None:
    op.execute("DROP POLICY spool_dispatch_rows ON arrivals")
    op.execute(f"REVOKE SELECT ({_SEES}), UPDATE ({_WRITES}) ON arrivals FROM spool_dispatch")
    op.execute(
        "CREATE POLICY spool_dispatch_rows ON arrivals TO spool_dispatch "
        "USING (project_id IS NULL) WITH CHECK (project_id IS NULL)"
    )
    op.execute("GRANT SELECT, INSERT ON arrivals TO spool_dispatch")
    op.alter_column("arrivals", "size_bytes", existing_type=sa.BigInteger(), nullable=True)
    op.alter_column("arrivals", "project_id", existing_type=sa.Text(collation="C"), nullable=True)
    op.drop_index("ix_outbox_dead", table_name="outbox")
    for table in ("arrivals", "ingest_streams"):
        op.drop_index(f"ix_{table}_project_id_id", table_name=table)
    op.drop_index("ix_arrivals_taking", table_name="arrivals")
    op.drop_column("arrivals", "version_id")
