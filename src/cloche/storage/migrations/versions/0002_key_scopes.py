"""What a key may do beyond driving sessions. Keys that are there may no more than before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("keys") as table:
        table.add_column(sa.Column("scopes", sa.JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    with op.batch_alter_table("keys") as table:
        table.drop_column("scopes")
