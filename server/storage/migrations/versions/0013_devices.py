"""Which device a grader has, and whether it is set aside"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "graders", sa.Column("device", sa.String(length=64), nullable=False, server_default="cpu")
    )
    op.add_column(
        "graders", sa.Column("kind", sa.String(length=16), nullable=False, server_default="cpu")
    )
    op.add_column("graders", sa.Column("fault", sa.String(), nullable=True))
