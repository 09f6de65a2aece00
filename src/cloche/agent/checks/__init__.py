"""Integrations and probes: commands from drop-in files that say how the machine's services are.

Parts: `dropins` (the files, read with suspicion), `check` (one of them and its last result), `checks` (all of them:
running, reloading, checkpoint and restore).
"""
