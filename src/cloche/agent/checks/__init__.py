"""Integrations and probes: commands from drop-in files that say how the machine's services are.

Parts: `definitions` (what one file says), `dropins` (the files, read with suspicion), `runner` (their commands, so many
at once), `verdict` (what a command's end says), `check` (one of them, run again and again), `settling` (checkpoint and
restore commands), `state_size`, `report` (what hosts are told), `checks` (all of them).
"""
