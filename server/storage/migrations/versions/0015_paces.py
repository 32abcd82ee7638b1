"""How quick right answers were, and who lets the others of a course see by name that they were"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paces",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("exercise", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("within", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submissions.id"], name=op.f("fk_paces_submission_id_submissions")
        ),
        sa.PrimaryKeyConstraint("submission_id", "exercise", "name", name=op.f("pk_paces")),
    )
    op.add_column(
        "enrolments",
        sa.Column("shows_name", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
