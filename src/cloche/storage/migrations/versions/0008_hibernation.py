"""Where the state of a hibernated session is, and which profiles are such states and nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("snapshot", sa.JSON))
    op.add_column("profiles", sa.Column("kept_for", sa.String(32)))


def downgrade() -> None:
    op.drop_column("profiles", "kept_for")
    op.drop_column("sessions", "snapshot")
