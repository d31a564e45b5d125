"""Who may see which rows: the roles, and row-level security in words that migrations share.

Three roles without login; a login takes one of them for a transaction (`SET LOCAL ROLE`):

- `spool_app` acts for one project, named by `spool.project_id`, and sees its rows only;
- `spool_gate` turns credentials and public ids into a project;
- `spool_dispatch` claims and repairs work over all projects.

Security is forced, so the owner of the tables is held by it too.
"""

from alembic import op

ROLES = ("spool_app", "spool_gate", "spool_dispatch")

# An unset or reset setting is NULL or '', which no project has for an id.
_OWN_ROWS = "project_id = current_setting('spool.project_id', true)"


def create_roles(login: str | None) -> None:
    """Makes the roles where the cluster lacks them and lets `login` take them.

    Roles belong to the cluster: another database of ours may have made them already, even a
    moment ago, and so may an administrator whose logins cannot make any.
    """
    grantee = _identifier(login) if login else "CURRENT_USER"
    for role in ROLES:
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                    CREATE ROLE {role} NOLOGIN NOINHERIT;
                END IF;
            EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    RAISE EXCEPTION 'The login % may not create the role {role}. Give it '
                        'CREATEROLE, or have an administrator run: CREATE ROLE {role} NOLOGIN; '
                        'GRANT {role} TO %;', current_user, {_literal(login)};
            END $$
            """
        )
        op.execute(
            f"""
            DO $$ BEGIN
                GRANT {role} TO {grantee};
            EXCEPTION WHEN insufficient_privilege THEN
                IF NOT pg_has_role({_literal(login)}, '{role}', 'MEMBER') THEN
                    RAISE EXCEPTION 'The login % may not grant the role {role}. Have an '
                        'administrator run: GRANT {role} TO %;', current_user, {_literal(login)};
                END IF;
            END $$
            """
        )


def own_rows_only(table: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """The table shows a project its own rows, and nothing to anybody else."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_rows ON {table} TO spool_app "
        f"USING ({_OWN_ROWS}) WITH CHECK ({_OWN_ROWS})"
    )
    op.execute(f"GRANT {grants} ON {table} TO spool_app")


def all_rows(table: str, role: str, grants: str) -> None:
    """Lets a narrow role see every row of a table, with no more than these grants."""
    op.execute(f"CREATE POLICY {role}_rows ON {table} TO {role} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {grants} ON {table} TO {role}")


def as_owner(table: str, statement: str) -> None:
    """Runs a statement over every row of a table whose security is forced."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _literal(login: str | None) -> str:
    return "current_user" if login is None else "'" + login.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
