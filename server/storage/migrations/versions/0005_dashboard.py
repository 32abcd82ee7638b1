"""What the staff's pages read: gain per student, regrades compared, searches for likeness"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WITHOUT_GAIN = """
UPDATE grades SET without_gain = (
  SELECT count(*) FROM submissions AS later
  WHERE later.assignment_id = grades.assignment_id AND later.user_id = grades.user_id
    AND later.state = 'graded' AND later.number > (
      SELECT min(best.number) FROM submissions AS best
      WHERE best.assignment_id = grades.assignment_id AND best.user_id = grades.user_id
        AND best.state = 'graded' AND best.score < best.max_score AND best.score = (
          SELECT max(one.score) FROM submissions AS one
          WHERE one.assignment_id = grades.assignment_id AND one.user_id = grades.user_id
            AND one.state = 'graded')))
"""


def upgrade() -> None:
    op.add_column(
        "grades", sa.Column("without_gain", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute(_WITHOUT_GAIN)
    op.add_column("regrade_items", sa.Column("score_before", sa.Double(), nullable=True))
    op.add_column("regrade_items", sa.Column("changed", sa.Boolean(), nullable=True))
    op.add_column(
        "regrade_items", sa.Column("exercises", sa.JSON(none_as_null=True), nullable=True)
    )
    op.create_index(op.f("ix_submissions_graded_at"), "submissions", ["graded_at"])
    op.create_index(
        op.f("ix_submissions_assignment_id_state_received_at"),
        "submissions",
        ["assignment_id", "state", "received_at"],
    )
    op.create_index(
        op.f("ix_audit_entries_course_id_action_id"),
        "audit_entries",
        ["course_id", "action", "id"],
    )
    op.create_table(
        "searches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("running", "done", "failed", name="searchstate", native_enum=False, length=24),
            nullable=False,
        ),
        sa.Column("started_by_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("alive_at", sa.DateTime(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignments.id"],
            name=op.f("fk_searches_assignment_id_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["users.id"], name=op.f("fk_searches_started_by_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_searches")),
    )
    op.create_index(op.f("ix_searches_assignment_id"), "searches", ["assignment_id"])
    op.create_table(
        "similar_pairs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("search_id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("first_share", sa.Double(), nullable=False),
        sa.Column("second_share", sa.Double(), nullable=False),
        sa.Column("first_ranges", sa.JSON(), nullable=False),
        sa.Column("second_ranges", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["first_id"], ["submissions.id"], name=op.f("fk_similar_pairs_first_id_submissions")
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["submissions.id"], name=op.f("fk_similar_pairs_second_id_submissions")
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["searches.id"], name=op.f("fk_similar_pairs_search_id_searches")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_similar_pairs")),
    )
    op.create_index(
        op.f("ix_similar_pairs_search_id_score"), "similar_pairs", ["search_id", "score"]
    )


def downgrade() -> None:
    op.drop_table("similar_pairs")
    op.drop_table("searches")
    op.drop_index(op.f("ix_audit_entries_course_id_action_id"), "audit_entries")
    op.drop_index(op.f("ix_submissions_assignment_id_state_received_at"), "submissions")
    op.drop_index(op.f("ix_submissions_graded_at"), "submissions")
    for table, column in (
        ("regrade_items", "exercises"),
        ("regrade_items", "changed"),
        ("regrade_items", "score_before"),
        ("grades", "without_gain"),
    ):
        op.drop_column(table, column)
