"""A notice on every page of a course"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("notice", sa.String(200), nullable=False, server_default="")
    op.add_column("courses", column)


def downgrade() -> None:
    op.drop_column("courses", "notice")
