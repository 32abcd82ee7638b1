"""Graders that run, sums for the metrics, and addresses as rosters write them"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "graders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_graders")),
    )
    op.create_table(
        "meters",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", name=op.f("pk_meters")),
    )
    op.add_column(
        "enrolments",
        sa.Column("address", sa.String(length=254), nullable=False, server_default=""),
    )


def downgrade() -> None:
    op.drop_column("enrolments", "address")
    op.drop_table("meters")
    op.drop_table("graders")
