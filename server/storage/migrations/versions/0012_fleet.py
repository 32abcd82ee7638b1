"""Courses take turns; devices; what the web servers grade by; limits that they count together"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("courses", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "assignments",
        sa.Column("device", sa.String(length=16), nullable=False, server_default="cpu"),
    )
    op.create_table(
        "exercises",
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_exercises")),
    )
    op.create_table(
        "hits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hits")),
    )
    op.create_index(op.f("ix_hits_key_at"), "hits", ["key", "at"])
    op.create_index(op.f("ix_hits_expires_at"), "hits", ["expires_at"])
