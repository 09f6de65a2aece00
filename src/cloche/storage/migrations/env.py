"""Alembic's entry: runs the steps on the connection that `storage.database` hands in."""

from alembic import context

connection = context.config.attributes["connection"]
# Batch mode, because SQLite's ALTER TABLE can do little more than add a column.
context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")

with context.begin_transaction():
    context.run_migrations()
