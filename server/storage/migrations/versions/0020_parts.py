"""Parts of assignments that people mark: answers, rubrics, marks"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )


def upgrade() -> None:
    for name in ("anonymous_marking", "double_marking"):
        op.add_column(
            "assignments", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    for name in ("hand_points", "settle_beyond"):
        op.add_column(
            "assignments", sa.Column(name, sa.Double(), nullable=False, server_default="0")
        )
    op.add_column("grades", sa.Column("by_hand", sa.Double(), nullable=True))
    op.add_column("grades", sa.Column("unmarked", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "parts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("prompt", sa.String(length=20_000), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("deducts", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.CheckConstraint("points > 0", name=op.f("ck_parts_worth_something")),
        _key("parts", "assignment_id", "assignments"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sa.UniqueConstraint("assignment_id", "slug", name=op.f("uq_parts_assignment_id_slug")),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("text", sa.String(length=20_000), nullable=False),
        _key("answers", "assignment_id", "assignments"),
        _key("answers", "part_id", "parts"),
        _key("answers", "user_id", "users"),
        _key("answers", "submission_id", "submissions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
        sa.UniqueConstraint(
            "part_id", "user_id", "number", name=op.f("uq_answers_part_id_user_id_number")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_answers_public_id")),
    )
    op.create_index(
        op.f("ix_answers_assignment_id_user_id"), "answers", ["assignment_id", "user_id"]
    )
    op.create_index(op.f("ix_answers_user_id"), "answers", ["user_id"])
    op.create_index(
        op.f("ix_answers_part_id_counts_public_id"), "answers", ["part_id", "counts", "public_id"]
    )
    op.create_table(
        "answer_images",
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _key("answer_images", "answer_id", "answers"),
        _key("answer_images", "user_id", "users"),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_answer_images")),
    )
    op.create_index(op.f("ix_answer_images_user_id"), "answer_images", ["user_id"])
    op.create_table(
        "rubric_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        _key("rubric_items", "part_id", "parts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubric_items")),
    )
    op.create_index(op.f("ix_rubric_items_part_id"), "rubric_items", ["part_id"])
    op.create_table(
        "marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("marker_id", sa.Integer(), nullable=False),
        sa.Column("extra", sa.Double(), nullable=False),
        sa.Column("comment", sa.String(length=10_000), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.DateTime(), nullable=False),
        _key("marks", "assignment_id", "assignments"),
        _key("marks", "answer_id", "answers"),
        _key("marks", "user_id", "users"),
        _key("marks", "marker_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
        sa.UniqueConstraint("answer_id", "round", name=op.f("uq_marks_answer_id_round")),
    )
    op.create_index(op.f("ix_marks_assignment_id_user_id"), "marks", ["assignment_id", "user_id"])
    op.create_index(op.f("ix_marks_user_id"), "marks", ["user_id"])
    op.create_table(
        "mark_items",
        sa.Column("mark_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        _key("mark_items", "mark_id", "marks"),
        _key("mark_items", "item_id", "rubric_items"),
        _key("mark_items", "user_id", "users"),
        sa.PrimaryKeyConstraint("mark_id", "item_id", name=op.f("pk_mark_items")),
    )
    op.create_index(op.f("ix_mark_items_item_id"), "mark_items", ["item_id"])
    op.create_index(op.f("ix_mark_items_user_id"), "mark_items", ["user_id"])
