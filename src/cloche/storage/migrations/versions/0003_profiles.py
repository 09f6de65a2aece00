"""Profiles, their data keys and revisions, and who uses them."""

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
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("profiles_by_owner", "profiles", ["owner", "last_used_at", "id"])
    _create_index_of_one("profiles_one_active", "profiles", "owner", where="is_active")
    op.create_table(
        "profile_keys",
        sa.Column("profile_id", sa.String(32), sa.ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("key_id", sa.String(32), nullable=False),
        sa.Column("data_key", sa.Text, nullable=False),
    )
    op.create_index("profile_keys_by_key", "profile_keys", ["key_id"])
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
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
    )
    _create_index_of_one("profile_leases_one_writer", "profile_leases", "profile_id", where="writes")


def downgrade() -> None:
    for table in ("profile_leases", "profile_revisions", "profile_keys", "profiles"):
        op.drop_table(table)


def _create_index_of_one(name: str, table: str, column: str, *, where: str) -> None:
    """At most one row of each value of `column` may be `where`."""
    op.create_index(name, table, [column], unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
