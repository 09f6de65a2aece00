"""Recordings of live sessions: when, how long, what was done meanwhile, and which artifact each has become.

Those of private sessions are in no table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    session = sa.ForeignKey("sessions.id", ondelete="CASCADE")
    op.create_table(
        "recordings",
        sa.Column("session_id", sa.String(32), session, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("ended_by", sa.String(32), nullable=False),
        sa.Column("artifact_id", sa.String(32)),
        sa.Column("error", sa.String(64), nullable=False),
        sa.Column("marks", sa.JSON, nullable=False),
    )
    op.create_index("recordings_by_status", "recordings", ["status"])


def downgrade() -> None:
    op.drop_table("recordings")
