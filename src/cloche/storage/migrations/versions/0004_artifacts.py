"""Files that came out of sessions. They outlive the sessions' rows, so there is no foreign key.

Those of private sessions are in no table: even a deleted row can be read from the file for a while.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("session_id", sa.String(32)),
        sa.Column("profile_id", sa.String(32)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(128), nullable=False),
        sa.Column("declared_type", sa.String(128), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source_url", sa.Text, nullable=False),
        sa.Column("referrer", sa.Text, nullable=False),
        sa.Column("blob", sa.String(64), unique=True),
        sa.Column("sealed_bytes", sa.BigInteger),
        sa.Column("data_key", sa.Text),
        sa.Column("key_id", sa.String(32)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.String(128), nullable=False),
    )
    op.create_index("artifacts_by_owner", "artifacts", ["owner", "id"])
    op.create_index("artifacts_by_session", "artifacts", ["session_id", "id"])
    op.create_index("artifacts_by_expiry", "artifacts", ["expires_at"])
    op.create_index("artifacts_by_key", "artifacts", ["key_id"])


def downgrade() -> None:
    op.drop_table("artifacts")
