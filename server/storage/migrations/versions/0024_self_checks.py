"""Public cases that students have run without handing in"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "self_checks",
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("last_fault", sa.String(), nullable=True),
        sa.Column("exercise", sa.String(length=200), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("graded_at", sa.DateTime(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("max_score", sa.Double(), nullable=True),
        sa.Column("reference", sa.String(length=64), nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignments.id"],
            name=op.f("fk_self_checks_assignment_id_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_self_checks_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_checks")),
        sa.UniqueConstraint("public_id", name=op.f("uq_self_checks_public_id")),
        sa.UniqueConstraint(
            "assignment_id", "user_id", name=op.f("uq_self_checks_assignment_id_user_id")
        ),
    )
    op.create_index(op.f("ix_self_checks_state_id"), "self_checks", ["state", "id"])
    for column in ("user_id", "received_at"):
        op.create_index(op.f(f"ix_self_checks_{column}"), "self_checks", [column])
    op.create_table(
        "self_check_contents",
        sa.Column("self_check_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["self_check_id"],
            ["self_checks.id"],
            name=op.f("fk_self_check_contents_self_check_id_self_checks"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_self_check_contents_user_id_users")
        ),
        sa.PrimaryKeyConstraint("self_check_id", name=op.f("pk_self_check_contents")),
    )
    op.create_index(op.f("ix_self_check_contents_user_id"), "self_check_contents", ["user_id"])
