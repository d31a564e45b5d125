"""row-level security"""

from alembic import context, op

from migrations.security import all_rows, create_roles, own_rows_only

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PROJECT_TABLES = (
    "members",
    "api_keys",
    "idempotent_answers",
    "assets",
    "uploads",
    "renditions",
    "images",
    "playback_ids",
    "events",
    "jobs",
    "tasks",
    "task_dependencies",
)
_ACCOUNT_TABLES = ("projects", "organisations", "users", "refresh_tokens")
_POLICIES = (
    ("projects", "spool_app_rows"),
    ("organisations", "spool_app_rows"),
    ("users", "spool_app_rows"),
    ("users", "spool_gate_rows"),
    ("organisations", "spool_gate_rows"),
    ("refresh_tokens", "spool_gate_rows"),
    ("projects", "spool_gate_rows"),
    ("members", "spool_gate_rows"),
    ("api_keys", "spool_gate_rows"),
    ("idempotent_answers", "spool_gate_rows"),
    ("playback_ids", "spool_gate_rows"),
    ("idempotent_answers", "spool_dispatch_rows"),
    ("assets", "spool_dispatch_rows"),
    ("uploads", "spool_dispatch_rows"),
    ("tasks", "spool_dispatch_rows"),
    ("events", "spool_dispatch_rows"),
)
# What the claim, the heartbeat and the reconciler write, and no more.
_DISPATCH_WRITES = "state, attempt, fence, leased_by, lease_until, run_at, deadline_at, started_at"
_DISPATCH_READS = (
    "id, project_id, job_id, asset_id, kind, queue, state, priority, blockers, attempt, "
    "max_attempts, timeout_seconds, run_at, deadline_at, fence, leased_by, lease_until, "
    "cancel_requested_at, args, correlation_id, traceparent, created_at, started_at"
)


def upgrade() -> None:
    create_roles(context.config.attributes.get("app_login"))
    for table in _PROJECT_TABLES:
        own_rows_only(table)

    # These have no project_id, or have it as another column. A subquery here sees what the role
    # sees: the members and the one project that the transaction is for.
    for table in _ACCOUNT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table, rows in (
        ("projects", "id = current_setting('spool.project_id', true)"),
        ("organisations", "id IN (SELECT organisation_id FROM projects)"),
        ("users", "id IN (SELECT user_id FROM members)"),
    ):
        op.execute(f"CREATE POLICY spool_app_rows ON {table} TO spool_app USING ({rows})")
    op.execute("GRANT SELECT, UPDATE ON projects TO spool_app")
    op.execute("GRANT SELECT ON organisations TO spool_app")
    # Members are shown with name and address, never with their password's hash.
    op.execute("GRANT SELECT (id, email, name) ON users TO spool_app")

    all_rows("users", "spool_gate", "SELECT, INSERT, UPDATE")
    all_rows("organisations", "spool_gate", "SELECT, INSERT")
    all_rows("refresh_tokens", "spool_gate", "SELECT, INSERT, UPDATE, DELETE")
    all_rows("projects", "spool_gate", "SELECT, INSERT")
    all_rows("members", "spool_gate", "SELECT, INSERT")
    all_rows("api_keys", "spool_gate", "SELECT, UPDATE (last_used_at)")
    all_rows("playback_ids", "spool_gate", "SELECT")
    all_rows("idempotent_answers", "spool_gate", "SELECT, INSERT, UPDATE")

    all_rows("tasks", "spool_dispatch", f"SELECT ({_DISPATCH_READS}), UPDATE ({_DISPATCH_WRITES})")
    all_rows("uploads", "spool_dispatch", "SELECT (id, project_id, asset_id, state, deadline_at)")
    all_rows("assets", "spool_dispatch", "SELECT (id, project_id, state, deadline_at)")
    all_rows("idempotent_answers", "spool_dispatch", "SELECT (expires_at), DELETE")
    all_rows("events", "spool_dispatch", "SELECT (id, created_at)")


def downgrade() -> None:
    for table, policy in _POLICIES:
        op.execute(f"DROP POLICY {policy} ON {table}")
    for table in _PROJECT_TABLES:
        op.execute(f"DROP POLICY own_rows ON {table}")
    for table in (*_PROJECT_TABLES, *_ACCOUNT_TABLES):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in (*_PROJECT_TABLES, *_ACCOUNT_TABLES):
        op.execute(f"REVOKE ALL ON {table} FROM spool_app, spool_gate, spool_dispatch")
    # The roles stay: they belong to the cluster, and another database may use them.
