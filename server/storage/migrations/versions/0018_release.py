"""From when on students see hints, scores and comments; a window of one's own for an exam"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for part in ("hints", "scores", "comments"):
        for moment in ("from", "published_at"):
            op.add_column("assignments", sa.Column(f"{part}_{moment}", sa.DateTime()))
    op.add_column("assignments", sa.Column("window_minutes", sa.Integer()))
    op.add_column(
        "extensions",
        sa.Column("extra_minutes", sa.Integer(), nullable=False, server_default="0"),
    )
    op.create_table(
        "sittings",
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignments.id"],
            name=op.f("fk_sittings_assignment_id_assignments"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sittings_user_id_users")),
        sa.PrimaryKeyConstraint("assignment_id", "user_id", name=op.f("pk_sittings")),
    )
    op.create_index(op.f("ix_sittings_user_id"), "sittings", ["user_id"])
