"""Which checks cost points, beside the scores per exercise"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_AT_ONCE = 100  # reports in memory


def upgrade() -> None:
    table = op.create_table(
        "lost_checks",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("exercise", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lost", sa.Double(), nullable=False),
        sa.Column("max_score", sa.Double(), nullable=False),
        sa.Column("alone", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions.id"],
            name=op.f("fk_lost_checks_submission_id_submissions"),
        ),
        sa.PrimaryKeyConstraint("submission_id", "exercise", "name", name=op.f("pk_lost_checks")),
    )
    for number, report in _reports():
        if rows := list(_lost(number, report).values()):
            op.bulk_insert(table, rows)


def _reports() -> Iterator[tuple[int, dict[str, Any]]]:
    last = 0
    query = sa.text(
        "SELECT id, report FROM submissions WHERE state = 'graded' AND report IS NOT NULL"
        " AND id > :last ORDER BY id LIMIT :most"
    )
    while found := op.get_bind().execute(query, {"last": last, "most": _AT_ONCE}).all():
        for number, report in found:
            yield number, json.loads(report) if isinstance(report, str) else report
        last = found[-1].id


def _lost(number: int, report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for exercise in report["exercises"]:
        for check in exercise["checks"]:
            if (lost := check["max_score"] - check["score"]) > 0:
                failed = [case["name"] for case in check.get("cases", ()) if not case["passed"]]
                found[exercise["name"], check["name"]] = {
                    "submission_id": number,
                    "exercise": exercise["name"],
                    "name": check["name"],
                    "lost": lost,
                    "max_score": check["max_score"],
                    "alone": failed[0] if len(failed) == 1 else None,
                }
    return found


def downgrade() -> None:
    op.drop_table("lost_checks")
