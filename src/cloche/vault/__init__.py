"""Encryption at rest.

`secret_box` seals short secrets for the database; `server_secret` keeps the one random secret of this server from
which every other key is derived. Knows nothing of what it seals.
"""
