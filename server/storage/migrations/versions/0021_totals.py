"""Totals of a course: groups, weights, bonus, rounding; texts, hidden assignments, versions"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "grade_groups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("drop_lowest", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("fk_grade_groups_course_id_courses")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_groups")),
        sa.UniqueConstraint("course_id", "slug", name=op.f("uq_grade_groups_course_id_slug")),
    )
    for table in ("courses", "assignments"):
        op.add_column(table, sa.Column("text", sa.String(), nullable=False, server_default=""))
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("courses", sa.Column("round_to", sa.Double()))
    op.add_column(
        "courses",
        sa.Column("rounding", sa.String(length=24), nullable=False, server_default="half-up"),
    )
    op.execute(
        "ALTER TABLE assignments ADD COLUMN group_id INTEGER "
        "CONSTRAINT fk_assignments_group_id_grade_groups REFERENCES grade_groups (id)"
    )
    op.add_column("assignments", sa.Column("weight", sa.Double()))
    for name in ("hidden", "bonus"):
        op.add_column(
            "assignments",
            sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()),
        )
