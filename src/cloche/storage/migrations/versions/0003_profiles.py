"""Profiles, their revisions, and who uses them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("theme_color", sa.String(24), nullable=False),
        sa.Column("is_private", sa.Boolean, nullable=False),
        sa.Column("persistence", sa.Boolean, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("data_key", sa.Text, nullable=False),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("profiles_by_owner", "profiles", ["owner", "id"])
    op.create_index("profiles_by_key", "profiles", ["key_id"])
    op.create_table(
        "profile_revisions",
        sa.Column("profile_id", sa.String(32), sa.ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("form", sa.String(16), nullable=False),
        sa.Column("engine", sa.String(16), nullable=False),
        sa.Column("blob", sa.String(64), nullable=False, unique=True),
        sa.Column("sealed_bytes", sa.BigInteger, nullable=False),
        sa.Column("session_id", sa.String(32)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "profile_leases",
        sa.Column("profile_id", sa.String(32), sa.ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("session_id", sa.String(32), primary_key=True),
        sa.Column("writes", sa.Boolean, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(
        "profile_leases_one_writer",
        "profile_leases",
        ["profile_id"],
        unique=True,
        sqlite_where=sa.text("writes"),
        postgresql_where=sa.text("writes"),
    )


def downgrade() -> None:
    for table in ("profile_leases", "profile_revisions", "profiles"):
        op.drop_table(table)
