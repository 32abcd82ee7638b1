"""Teams that hand in together"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "assignments", sa.Column("team_size", sa.Integer(), nullable=False, server_default="1")
    )
    op.add_column(
        "assignments",
        sa.Column("teams_by", sa.String(length=24), nullable=False, server_default="students"),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_teams_assignment_id_assignments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("code", name=op.f("uq_teams_code")),
    )
    op.create_index(op.f("ix_teams_assignment_id"), "teams", ["assignment_id"])
    op.create_table(
        "team_members",
        sa.Column("assignment_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignments.id"],
            name=op.f("fk_team_members_assignment_id_assignments"),
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_members_team_id_teams")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_members_user_id_users")
        ),
        sa.PrimaryKeyConstraint("assignment_id", "user_id", name=op.f("pk_team_members")),
    )
    for column in ("team_id", "user_id"):
        op.create_index(op.f(f"ix_team_members_{column}"), "team_members", [column])
    op.execute(
        "ALTER TABLE submissions ADD COLUMN team_id INTEGER "
        "CONSTRAINT fk_submissions_team_id_teams REFERENCES teams (id)"
    )
    op.create_index(op.f("ix_submissions_team_id"), "submissions", ["team_id"])
