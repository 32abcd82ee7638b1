"""No audit entry is replaced, whatever program opens the database"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# For SQLite's REPLACE the trigger on DELETE fires only where a connection has asked for that.
_NO_REPLACE_SQLITE = """
CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""
_NO_TRUNCATE_POSTGRESQL = """
CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
"""


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(_NO_TRUNCATE_POSTGRESQL if postgresql else _NO_REPLACE_SQLITE)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_entries_no_truncate ON audit_entries")
    else:
        op.execute("DROP TRIGGER audit_entries_no_replace")
