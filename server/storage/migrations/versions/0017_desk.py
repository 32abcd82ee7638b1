"""The marking desk: comments at lines, saved comments, questions on checks, judged pairs"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), nullable=False)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _words(name: str, length: int, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(), nullable=nullable)


def upgrade() -> None:
    op.add_column("comments", _words("place", 200, nullable=True))
    op.add_column("comments", _number("line", nullable=True))
    op.add_column("comments", _moment("read_at", nullable=True))
    op.execute("UPDATE comments SET read_at = written_at")  # nobody has hundreds of new ones
    op.add_column("similar_pairs", sa.Column("links", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "searches", sa.Column("earlier", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_table(
        "saved_comments",
        _id(),
        _number("course_id"),
        _words("exercise", 200),
        _words("misconception", 200),
        _words("text", 10_000),
        _number("written_by_id"),
        _moment("written_at"),
        _refers("saved_comments", "course_id", "courses"),
        _refers("saved_comments", "written_by_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_comments")),
    )
    op.create_index(
        op.f("ix_saved_comments_course_id_misconception"),
        "saved_comments",
        ["course_id", "misconception"],
    )
    op.create_table(
        "looked_at",
        _number("submission_id"),
        _number("looked_by_id"),
        _moment("looked_on"),
        _refers("looked_at", "submission_id", "submissions"),
        _refers("looked_at", "looked_by_id", "users"),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_looked_at")),
    )
    op.create_table(
        "questions",
        _id(),
        _number("submission_id"),
        _words("exercise", 200),
        _words("check_name", 200),
        _words("text", 2000),
        _moment("asked_at"),
        _words("state", 24),
        _words("answer", 10_000),
        _number("answered_by_id", nullable=True),
        _moment("answered_at", nullable=True),
        _moment("read_at", nullable=True),
        _refers("questions", "submission_id", "submissions"),
        _refers("questions", "answered_by_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint(
            "submission_id",
            "exercise",
            "check_name",
            name=op.f("uq_questions_submission_id_exercise_check_name"),
        ),
    )
    op.create_index(op.f("ix_questions_state_id"), "questions", ["state", "id"])
    op.create_table(
        "pair_judgements",
        _number("first_id"),
        _number("second_id"),
        _words("judgement", 24),
        _number("judged_by_id"),
        _moment("judged_at"),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_pair_judgements_in_order")),
        _refers("pair_judgements", "first_id", "submissions"),
        _refers("pair_judgements", "second_id", "submissions"),
        _refers("pair_judgements", "judged_by_id", "users"),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_pair_judgements")),
    )
