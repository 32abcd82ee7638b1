"""What a large class's figures are made of is found by indexes, and kept while it is true"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_TABLE = "misconceptions_found"
_OF_THE_SUBMISSION = ("assignment_id", "user_id", "received_at")
_FILL = f"""
UPDATE {_TABLE} SET ({", ".join(_OF_THE_SUBMISSION)}) =
  (SELECT {", ".join(_OF_THE_SUBMISSION)} FROM submissions WHERE id = {_TABLE}.submission_id)
"""  # noqa: S608 - no value in it


def upgrade() -> None:
    for name in _OF_THE_SUBMISSION:
        kind = sa.DateTime() if name == "received_at" else sa.Integer()
        op.add_column(_TABLE, sa.Column(name, kind, nullable=True))
    op.execute(_FILL)
    with op.batch_alter_table(_TABLE) as table:
        for name in _OF_THE_SUBMISSION:
            table.alter_column(name, nullable=False)
        for name, other in (("assignment_id", "assignments"), ("user_id", "users")):
            key = op.f(f"fk_{_TABLE}_{name}_{other}")
            table.create_foreign_key(key, other, [name], ["id"])
    op.create_index(
        op.f("ix_misconceptions_found_of_class"),
        _TABLE,
        ["assignment_id", "exercise", "name", "user_id", "received_at", "submission_id"],
    )
    op.drop_index(op.f("ix_submissions_assignment_id_received_at"), "submissions")
    op.create_index(
        op.f("ix_submissions_assignment_id_received_at_id"),
        "submissions",
        ["assignment_id", "received_at", "id"],
    )
    op.create_table(
        "figures",
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("stands", sa.String(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("what", "of", name=op.f("pk_figures")),
    )


def downgrade() -> None:
    op.drop_table("figures")
    op.drop_index(op.f("ix_submissions_assignment_id_received_at_id"), "submissions")
    op.create_index(
        op.f("ix_submissions_assignment_id_received_at"),
        "submissions",
        ["assignment_id", "received_at"],
    )
    op.drop_index(op.f("ix_misconceptions_found_of_class"), _TABLE)
    with op.batch_alter_table(_TABLE) as table:
        for name in _OF_THE_SUBMISSION:
            table.drop_column(name)
