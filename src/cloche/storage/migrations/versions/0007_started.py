"""How a session came to its sandbox; and lists in the order in which sessions were made, which ids do not have."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("started", sa.String(8), nullable=False, server_default="cold"))
    op.drop_index("sessions_by_owner", "sessions")
    op.create_index("sessions_by_owner", "sessions", ["owner", "created_at", "id"])
    op.create_index("sessions_by_time", "sessions", ["created_at", "id"])


def downgrade() -> None:
    op.drop_index("sessions_by_time", "sessions")
    op.drop_index("sessions_by_owner", "sessions")
    op.create_index("sessions_by_owner", "sessions", ["owner", "id"])
    op.drop_column("sessions", "started")
