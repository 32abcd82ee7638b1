"""Hand-ins and keys in the database; PostgreSQL tells graders when something waits"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOTIFY = """
CREATE FUNCTION something_waits() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NOTIFY gradmark; RETURN NULL; END $$
"""
_WAITS = """
CREATE TRIGGER {table}_wait AFTER INSERT OR UPDATE OF state ON {table}
FOR EACH ROW WHEN (NEW.state = 'waiting') EXECUTE FUNCTION something_waits()
"""


def upgrade() -> None:
    contents = op.create_table(
        "contents",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name=op.f("fk_contents_submission_id_submissions"),
        ),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_contents")),
    )
    keys = op.create_table(
        "keys",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_keys")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_NOTIFY)
        for table in ("submissions", "regrade_items"):
            op.execute(_WAITS.format(table=table))
    else:
        _take_in(contents, keys)


def _take_in(contents: sa.Table, keys: sa.Table) -> None:
    """The files that lay beside the database. One that was missing stays missing."""
    connection = op.get_bind()
    data = Path(str(connection.engine.url.database)).parent
    submissions = sa.table("submissions", sa.column("id"), sa.column("public_id"))
    for id_, public_id in connection.execute(sa.select(submissions)).all():
        try:
            content = (data / "submissions" / public_id).read_bytes()
        except FileNotFoundError:
            continue
        connection.execute(contents.insert().values(submission_id=id_, content=content))
    key = data / "session.key"
    if key.exists():
        connection.execute(keys.insert().values(name="session", value=key.read_bytes()))
