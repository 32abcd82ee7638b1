"""Days that a student may be late over the term for nothing"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("courses", "grades"):
        op.add_column(
            table, sa.Column("free_days", sa.Integer(), nullable=False, server_default="0")
        )
    op.add_column(
        "courses",
        sa.Column(
            "free_days_used",
            sa.String(length=24),
            nullable=False,
            server_default="automatically",
        ),
    )
    op.create_table(
        "free_days_chosen",
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignments.id"],
            name=op.f("fk_free_days_chosen_assignment_id_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_free_days_chosen_user_id_users")
        ),
        sa.PrimaryKeyConstraint("assignment_id", "user_id", name=op.f("pk_free_days_chosen")),
    )
    op.create_index(op.f("ix_free_days_chosen_user_id"), "free_days_chosen", ["user_id"])
