"""The database: SQLAlchemy Core over asyncio; SQLite (WAL) embedded, PostgreSQL by URL.

`database` opens it, migrates it and hands out transactions. Each concern keeps its tables and queries in its own
`rows`, on the `metadata` declared here; `migrations/` holds the steps between released schemas.
"""
