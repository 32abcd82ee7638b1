"""By which reference a submission is graded, and what a regrade's maximum was before"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BEFORE = (
    "UPDATE regrade_items SET max_score_before = coalesce("
    "json_extract(replaced, '$.max_score'), (SELECT max_score FROM submissions "
    "WHERE submissions.id = regrade_items.submission_id)) WHERE score_before IS NOT NULL"
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for name in ("submissions", "regrade_items"):
        op.add_column(name, sa.Column("reference", sa.String(length=64), nullable=True))
        if postgresql:  # it has nothing to fill in: no database of its kind is older than this
            continue
        table = sa.table(name, sa.column("reference"), sa.column("report"))
        said = sa.func.json_extract(table.c.report, "$.environment.reference")  # it always has
        op.execute(sa.update(table).where(table.c.report.is_not(None)).values(reference=said))
    op.add_column("regrade_items", sa.Column("max_score_before", sa.Double(), nullable=True))
    if not postgresql:
        op.execute(_BEFORE)
    op.create_index(
        op.f("ix_submissions_assignment_id_reference"),
        "submissions",
        ["assignment_id", "reference"],
    )
